"""Models, inferences and labels as a user of Arthur's client sends them; prints what it found as JSON.

Arguments: URL of the server, API key.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from arthurai import ArthurAI
from arthurai.common.constants import InputType, OutputType
from arthurai.common.exceptions import ArthurUserError

ROWS = 60
START = pd.Timestamp.now(tz="UTC").floor("h") - pd.Timedelta(days=1)


def loans(seed: int) -> pd.DataFrame:
    """Applications for loans with the scores of a model and what became of them."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"age": rng.integers(20, 70, ROWS), "income": rng.normal(50, 9, ROWS).round(3)})
    frame["region"] = rng.choice(["north", "south"], ROWS)
    frame["owner"] = rng.choice([True, False], ROWS)
    frame["prob_0"] = rng.random(ROWS).round(4)
    frame["prob_1"] = 1 - frame["prob_0"]
    frame["defaulted"] = (frame["prob_1"] + rng.normal(0, 0.1, ROWS) > 0.5).astype(int)
    return frame


def said(perform: Any, *arguments: Any, **named: Any) -> str:
    """What the client says of an error."""
    try:
        perform(*arguments, **named)
    except ArthurUserError as error:
        return str(error)
    return ""


def streaming(client: ArthurAI) -> dict[str, Any]:
    """A classifier whose inferences come one call after the other, labels with them or later."""
    found: dict[str, Any] = {}
    model = client.model(
        partner_model_id="loan default/eu",
        display_name="Loans",
        input_type=InputType.Tabular,
        output_type=OutputType.Multiclass,
    )
    truth = {"prob_0": 0, "prob_1": 1}
    model.build(
        loans(1),
        pred_to_ground_truth_map=truth,
        ground_truth_column="defaulted",
        positive_predicted_attr="prob_1",
        non_input_columns=["owner"],
    )
    found["id"] = model.save()
    frame = loans(2)
    ids = [f"loan-{each}" for each in range(ROWS)]
    times = [START + pd.Timedelta(minutes=each) for each in range(ROWS)]
    early = frame.drop(columns="defaulted")
    answer = model.send_inferences(early[:40], inference_timestamps=times[:40], partner_inference_ids=ids[:40])
    found["sent"] = answer["counts"]
    labels = [
        {"defaulted": int(label), "partner_inference_id": id}
        for label, id in zip(frame["defaulted"][:30], ids[:30], strict=True)
    ]
    found["labels"] = model.update_inference_ground_truths(labels)["counts"]
    rows = early[40:43].to_dict(orient="records")
    rows[1]["prob_0"] = rows[1]["prob_1"] = "high"
    answer = model.send_inferences(
        rows, inference_timestamps=times[40:43], partner_inference_ids=ids[40:43], fail_silently=True
    )
    found["one wrong"] = [each["status"] for each in answer["results"]]
    found["why"] = answer["results"][1]["message"]
    with_labels = frame[43:].assign(partner_inference_id=ids[43:], inference_timestamp=times[43:])
    found["file"] = model.send_bulk_inferences(data=with_labels, batch_id=None)[0]["counts"]
    later = pd.DataFrame({"defaulted": frame["defaulted"][30:40], "partner_inference_id": ids[30:40]})
    found["file of labels"] = model.send_bulk_ground_truths(data=later)["counts"]
    again = client.get_model("loan default/eu", id_type="partner_model_id")
    found["read again"] = [again.id, again.status, len(again.attributes), again.get_attribute("prob_1").gt_class_link]
    return found


def batches(client: ArthurAI) -> dict[str, Any]:
    """A regression whose inferences come in batches, in files too, and a second version of it."""
    frame = loans(3)[["age", "income"]].assign(
        price=lambda each: each["income"] * 2, paid=lambda each: each["price"] + 1
    )
    model = client.model(
        partner_model_id="price", input_type=InputType.Tabular, output_type=OutputType.Regression, is_batch=True
    )
    model.build(frame, pred_to_ground_truth_map={"price": "paid"})
    found: dict[str, Any] = {"id": model.save()}
    answer = model.send_inferences(frame[:10], batch_id="monday")
    found["batch"] = answer["counts"]
    with tempfile.TemporaryDirectory() as folder:
        named = frame[10:30].assign(
            partner_inference_id=[f"p-{each}" for each in range(20)],
            inference_timestamp=START,
            ground_truth_timestamp=START,
        )
        named.to_parquet(Path(folder) / "tuesday.parquet")
        sent, closed = model.send_bulk_inferences(batch_id="tuesday", directory_path=folder)
    found["directory"] = [sent["counts"], closed["dataset_close_result"]["status"]]
    second = client.model(
        partner_model_id="price 2", input_type=InputType.Tabular, output_type=OutputType.Regression, is_batch=True
    )
    second.model_group_id, second.version_label = model.model_group_id, "2"
    second.build(frame, pred_to_ground_truth_map={"price": "paid"})
    found["second"] = [second.save(), second.version_sequence_num]
    found["archived"] = [second.archive(), client.get_model(second.id).archived]
    found["to an archived one"] = said(second.send_inferences, frame[:1])
    return found


def refused(client: ArthurAI, url: str) -> dict[str, str]:
    """What is said of what cannot be."""
    frame = loans(4)[["age", "prob_1"]].assign(features=1.0, truth=1.0)
    model = client.model(partner_model_id="odd", input_type=InputType.Tabular, output_type=OutputType.Regression)
    model.build(frame, pred_to_ground_truth_map={"prob_1": "truth"})
    found = {"forbidden": said(model.save), "unknown": said(client.get_model, "loan defaults")}
    try:
        ArthurAI(url=url, access_key="dl_wrong", allow_insecure=True)
    except ArthurUserError as error:
        found["key"] = str(error)
    return found


def main(url: str, key: str) -> dict[str, Any]:
    """All of it, one after another."""
    os.environ["ARTHUR_API_KEY"] = key
    client = ArthurAI(url=url, allow_insecure=True)
    found: dict[str, Any] = {
        "streaming": streaming(client),
        "batches": batches(client),
        "refused": refused(client, url),
    }
    model = client.get_model(found["streaming"]["id"])
    model.await_inferences(min_count=1, with_ground_truth=False, timeout_min=1)
    return found


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:]), default=str))
