"""Small projects, as texts by their paths, and the ways to start them."""

from __future__ import annotations

from typing import List, Mapping

from scripts.adoption import code, starts

FASTAPI = "from fastapi import FastAPI\napp = FastAPI()\n"
FLAGS = "import argparse\nfrom flask import Flask\nparser.add_argument('--host')\nparser.add_argument('--port')\n"
RUNS = "if __name__ == '__main__':\n    load()\n    app.run(port=7000)\n"


def find(texts: Mapping[str, str]) -> List[starts.Start]:
    sources = {file: code.read(file, text) for file, text in texts.items() if file.endswith(".py")}
    return starts.find(texts, {file: source for file, source in sources.items() if source})


def words(texts: Mapping[str, str]) -> str:
    return " ".join(find(texts)[0].words)
