#!/usr/bin/env bash
# X's own reference library links, and counts as 23, only a part of a word whose ending without dots and accents is a host name:
# `émain.py` is é and a link to main.py (24), `emain.py` and `café.fr` are one link (23), `한국.com` is none (2 a syllable).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts twitter-text@3.1.0
node - <<'NODE'
const assert = require("node:assert");
const text = require("twitter-text");
const seen = Object.fromEntries(
  ["emain.py", "émain.py", "café.fr", "한국.com"].map((word) => [word, [text.parseTweet(word).weightedLength, text.extractUrls(word)]]),
);
console.log(`twitter-text ${require("twitter-text/package.json").version}:`, JSON.stringify(seen));
assert.deepStrictEqual(seen, {
  "emain.py": [23, ["emain.py"]],
  "émain.py": [24, ["main.py"]],
  "café.fr": [23, ["café.fr"]],
  "한국.com": [8, []],
}, "the behaviour has changed");
NODE
