"""Which compared exhibits a person is shown, what of them stands out, and any two scans beside each other."""
