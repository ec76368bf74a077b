#!/usr/bin/env bash
# An empty field of a form becomes the parameter's default in FastAPI; an empty query parameter stays empty. A form in which somebody
# empties a field ("assign to: nobody") therefore does what the default says ("assign to: me").
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check fastapi==0.165.0 python-multipart==0.0.34 httpx==0.28.1
venv/bin/python -W ignore - <<'PYTHON'
from importlib.metadata import version
from typing import Annotated

from fastapi import FastAPI, Form
from fastapi.testclient import TestClient

app = FastAPI()


@app.post("/form")
def form(to: Annotated[str, Form()] = "me") -> str:
    return to


@app.get("/query")
def query(to: str = "me") -> str:
    return to


client = TestClient(app)
seen = {"form": client.post("/form", data={"to": ""}).json(), "query": client.get("/query?to=").json()}
print(f"fastapi {version('fastapi')}: `to=` sent empty, default 'me': {seen}")
assert seen == {"form": "me", "query": ""}, "the behaviour has changed"
PYTHON
