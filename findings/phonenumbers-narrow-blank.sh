#!/usr/bin/env bash
# phonenumbers neither finds nor parses a telephone number whose digits are grouped by U+202F, the narrow no-break space of French
# typography (and of what Babel and word processors write). U+00A0, the wide one, is no problem. NFKC first makes both a plain blank.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check phonenumbers==9.0.43
venv/bin/python - <<'PYTHON'
from importlib.metadata import version

import phonenumbers

seen = {}
for name, blank in (("U+0020", " "), ("U+00A0", "\u00a0"), ("U+202F", "\u202f")):
    text = blank.join(("06", "12", "34", "56", "78"))
    found = [match.number.national_number for match in phonenumbers.PhoneNumberMatcher(text, "FR")]
    try:
        parsed = phonenumbers.parse(text, "FR").national_number
    except phonenumbers.NumberParseException as error:
        parsed = str(error)
    seen[name] = (found, parsed)
print(f"phonenumbers {version('phonenumbers')}: matched and parsed: {seen}")
right = ([612345678], 612345678)
wrong = ([], "(1) The string supplied did not seem to be a phone number.")
assert seen == {"U+0020": right, "U+00A0": right, "U+202F": wrong}, "the behaviour has changed"
PYTHON
