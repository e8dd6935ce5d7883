#!/usr/bin/env python3
"""Checks the figures that `assessd demo --output json` printed to the file named on the command line."""
import json
import sys

with open(sys.argv[1], encoding="utf-8") as file:
    figures = json.load(file)

bad = []


def check(what, holds):
    if not holds:
        bad.append(what)


imports = figures["imports"]
check("two papers with at least 60 questions", len(imports) == 2 and sum(i["found"] for i in imports) >= 60)
check("everything found is new in an empty bank", all(i["created"] == i["found"] for i in imports))
check("a paper sent twice adds nothing", figures["reimport"]["created"] == 0 and figures["reimport"]["unchanged"] > 0)
check("what cannot be filled is explained", len(figures["impossible"]) > 0)
check("forms A and B", [f["label"] for f in figures["forms"]] == ["A", "B"])
check("equal points", all(f["points"] == "100" for f in figures["forms"]))
people = figures["candidates"]
check("200 people", people["total"] == 200 == people["sittings"] + people["submissions"] + people["streamed"])
summary = figures["summary"]
check("200 results", summary["count"] == 200 == sum(count for _, _, count in summary["histogram"]))
check("a mean within the scale", 0 < summary["mean"] < 100 and summary["standard_deviation"] > 0)
check("a pass rate", 0 < summary["pass_rate"] < 1)
scores = [float(r["score"]) for r in figures["ranking"]]
check("a ranking of ten, best first", len(scores) == 10 and scores == sorted(scores, reverse=True))
analyses = figures["item_analyses"]
check("an item analysis of each form", [a["count"] for a in analyses] == [100, 100])
check("reliable forms", all(a["alpha"] > 0.6 for a in analyses))
check("a row for every question", all(len(a["items"]) == f["questions"] for a, f in zip(analyses, figures["forms"])))
planted = analyses[0]["items"][2]
check("the question that works the wrong way round is found", "likely_wrong_key" in planted["flags"])
check("a short answer waits", figures["waiting"]["state"] == "RESULT_STATE_AWAITING_GRADING")
check("under 20 seconds", figures["seconds"] < 20)

for what in bad:
    print(f"the demo does not show: {what}", file=sys.stderr)
print(f"{len(bad)} of the demo's figures are wrong" if bad else f"the demo's figures are right, {figures['seconds']} s")
sys.exit(1 if bad else 0)
