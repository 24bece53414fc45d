#!/bin/sh
# Everything that a machine without a network needs to install a node, and each of its extras, in one folder, with the
# digest of each file.
# For the Python that makes it, so on the same system and processor as the machine that it is for.
#   sh deploy/wheelhouse.sh FOLDER [PYTHON]
set -eu
source=$(cd "$(dirname "$0")/.." && pwd)
folder=$1
python=${2:-python3}

if [ -n "$(ls -A "$folder" 2>/dev/null)" ]; then
    echo "$folder is not empty: name a new folder, so that nothing of an earlier one gets in." >&2
    exit 1
fi
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
building=$(mktemp -d)
trap 'rm -rf "$building"' EXIT

"$python" -m venv "$building/venv"
pip() { "$building/venv/bin/python" -m pip --disable-pip-version-check --quiet "$@"; }

# 1. What the locks name, each file compared with its lock: what every node needs, and the extras.
set -- --requirement "$source/requirements-base.lock"
for lock in "$source"/exchange/extras/*.lock; do
    set -- "$@" --requirement "$lock"
done
pip download --require-hashes --only-binary :all: "$@" --dest "$folder"

# 2. This project.
pip install --require-hashes --only-binary :all: --requirement "$source/requirements-build.lock"
pip wheel --no-index --no-deps --no-build-isolation --wheel-dir "$folder" "$source"

# 3. One list to install from, with this project in it; its extras come after it: ffp extras add NAME --from FOLDER
wheel=$(cd "$folder" && ls ffp_exchange-*.whl)
version=$(echo "$wheel" | cut -d- -f2)
digest=$(sha256sum "$folder/$wheel" | cut -d' ' -f1)
cp "$source/requirements-base.lock" "$folder/requirements.lock"
printf 'ffp-exchange==%s --hash=sha256:%s\n' "$version" "$digest" >> "$folder/requirements.lock"

# 4. What else an operator needs there: units, site, roles, pages.
cp -R "$source/deploy" "$source/CHANGELOG.md" "$source/LICENSE" "$folder/"

# 5. The digests, to be read out or signed.
cd "$folder"
find . -type f ! -name SHA256SUMS -print0 | LC_ALL=C sort -z | xargs -0 sha256sum > SHA256SUMS
