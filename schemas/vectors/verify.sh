#!/bin/sh
# Verify both signatures of one envelope with coreutils and OpenSSL >= 3.5, and nothing of this project.
# usage: verify.sh ENVELOPE.json ED25519-PUBLIC-KEY ML-DSA-65-PUBLIC-KEY      (raw keys in Base64, as in keys.json)
# Ends with 0 when both are good. It reads envelopes as nodes write them: one line, Ed25519 first.
set -eu
LC_ALL=C
export LC_ALL
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT

field() { cut -d '"' -f "$1" <"$envelope"; }
envelope=$1
case "$(field 2)/$(field 8)/$(field 14)/$(field 22)" in
  payload/application/vnd.ffp.statement+json/ed25519:*/ml-dsa-65:*) ;;
  *) echo "not an envelope of this exchange, or not as a node writes it" >&2; exit 2 ;;
esac

field 4 | base64 -d >"$folder/payload"
field 18 | base64 -d >"$folder/ed25519.sig"
field 26 | base64 -d >"$folder/ml-dsa.sig"

# What is signed: DSSE's pre-authentication encoding of the payload.
kind=application/vnd.ffp.statement+json
{
  printf 'DSSEv1 %d %s %d ' "${#kind}" "$kind" "$(wc -c <"$folder/payload")"
  cat "$folder/payload"
} >"$folder/signed"

# A raw public key becomes a SubjectPublicKeyInfo by a fixed beginning (RFC 8410; RFC 9881).
{ printf '\060\052\060\005\006\003\053\145\160\003\041\000'; printf %s "$2" | base64 -d; } >"$folder/ed25519.der"
{
  printf '\060\202\007\262\060\013\006\011\140\206\110\001\145\003\004\003\022\003\202\007\241\000'
  printf %s "$3" | base64 -d
} >"$folder/ml-dsa.der"

for algorithm in ed25519 ml-dsa; do
  printf '%s: ' "$algorithm"
  openssl pkeyutl -verify -pubin -keyform DER -inkey "$folder/$algorithm.der" \
    -rawin -in "$folder/signed" -sigfile "$folder/$algorithm.sig"
done
printf 'statement id: '
sha256sum <"$folder/payload" | cut -d ' ' -f 1
