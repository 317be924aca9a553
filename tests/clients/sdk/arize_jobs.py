"""Import jobs as a user of Arize's toolkit makes them; prints what it found as JSON.

Arguments: URL of the server, API key, bucket, prefix of the predictions, prefix of the labels.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from arize_toolkit import Client
from arize_toolkit.exceptions import ArizeAPIException

PREDICTIONS = {
    "predictionId": "prediction_id",
    "timestamp": "prediction_ts",
    "predictionLabel": "PREDICTION",
    "features": "feature/",
    "tags": "tag/",
    "exclude": ["internal"],
}
LABELS = {"predictionId": "prediction_id", "actualLabel": "ACTUAL", "timestamp": "label_ts"}


def said(perform: Any, *arguments: Any, **named: Any) -> str:
    """What the client says of an error."""
    try:
        perform(*arguments, **named)
    except ArizeAPIException as error:
        return str(error)
    return ""


def until_read(client: Client, job: str, files: int) -> dict[str, Any]:
    """The job as soon as no file of it waits."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        found = client.get_file_import_job(job)
        if found["totalFilesSuccessCount"] + found["totalFilesFailedCount"] >= files:
            break
        time.sleep(0.3)
    return {name: found[name] for name in found if name.startswith("total")}


def main(url: str, key: str, bucket: str, prefix: str, labels: str) -> dict[str, Any]:
    """Make, look at, edit, pause, start and delete jobs."""
    client = Client("acme", "risk", key, arize_app_url=url)
    found: dict[str, Any] = {"space": [client.org_id, client.space_id]}
    place = {"blob_store": "s3", "bucket_name": bucket, "model_name": "Click-thru rate", "model_version": "v1"}
    place["model_type"] = "score_categorical"
    found["dry run"] = client.create_file_import_job(prefix=prefix, model_schema=PREDICTIONS, dry_run=True, **place)[
        "jobStatus"
    ]
    wrong = {**PREDICTIONS, "predictionLabel": "PREDICTED"}
    found["dry run of a wrong schema"] = said(
        client.create_file_import_job, prefix=prefix, model_schema=wrong, dry_run=True, **place
    )
    found["after dry runs"] = said(client.get_all_file_import_jobs)
    made = client.create_file_import_job(prefix=prefix, model_schema=PREDICTIONS, **place)
    late = client.create_file_import_job(prefix=labels, model_schema=LABELS, **place)
    found["made"] = made
    found["read"] = [until_read(client, made["jobId"], 3), until_read(client, late["jobId"], 1)]
    found["got"] = client.get_file_import_job(made["jobId"])
    found["all"] = [each["jobId"] == made["jobId"] for each in client.get_all_file_import_jobs()]
    edited = client.update_file_import_job(made["jobId"], model_schema={"exclude": ["internal", "note"]})
    found["edited"] = [edited["jobStatus"], client.get_file_import_job(made["jobId"])["schema"]["exclude"]]
    found["paused"] = client.update_file_import_job(made["jobId"], job_status="inactive")["jobStatus"]
    found["started"] = client.update_file_import_job(made["jobId"], job_status="active")["jobStatus"]
    found["deleted"] = client.delete_file_import_job(late["jobId"])
    found["still listed"] = client.get_file_import_job(late["jobId"])["jobStatus"]
    found["models"] = [[each["name"], each["modelType"]] for each in client.get_all_models()]
    found["validation without batch"] = said(
        client.create_file_import_job,
        prefix=prefix,
        model_schema=PREDICTIONS,
        model_environment_name="validation",
        **place,
    )
    found["no such job"] = said(client.get_file_import_job, "nope")
    return found


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:]), default=str))
