"""Words of what heads and the coordinator read: law, reports, incidents, assessments, meetings, exercises."""
