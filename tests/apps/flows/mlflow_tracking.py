"""MLflow: experiment, runs, artifact, model version. Client: mlflow's own."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "1"
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"

import mlflow
from common import TAG, check, main
from mlflow import MlflowClient
from mlflow.tracking.request_header.abstract_request_header_provider import RequestHeaderProvider
from mlflow.tracking.request_header.registry import _request_header_provider_registry as providers


def client(base: str) -> MlflowClient:
    mlflow.set_tracking_uri(base)
    return MlflowClient(base, base)


def seed(base: str) -> None:
    c = client(base)
    for name in ("own-1", "own-2"):
        c.create_run(c.create_experiment(name), run_name="own run")


def flow(base: str, session: str) -> None:
    class Session(RequestHeaderProvider):  # type: ignore[misc]
        def in_context(self) -> bool:
            return True

        def request_headers(self) -> dict[str, str]:
            return {"Gateway-Session": session}

    providers.register(Session)
    c = client(base)
    experiment = c.create_experiment(f"pricing-{TAG}")
    run = c.create_run(experiment, run_name="first", tags={"team": "books"})
    id = run.info.run_id
    c.log_param(id, "depth", 3)
    for step in (1, 2):
        c.log_metric(id, "rmse", 1 / step, step=step)
    c.set_tag(id, "stage", "candidate")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "weights.txt").write_text("weights")
        c.log_artifact(id, str(Path(folder, "weights.txt")), "model")
    check(c.list_artifacts(id, "model"), "no artifact")
    child = c.create_run(experiment, run_name="second", tags={"mlflow.parentRunId": id}).info.run_id
    c.set_terminated(child)
    model = c.create_registered_model(f"pricer-{TAG}")
    version = c.create_model_version(model.name, f"{run.info.artifact_uri}/model", run_id=id)
    c.set_registered_model_alias(model.name, "champion", version.version)
    check(c.search_runs([experiment], "params.depth = '3'"), "the run is not found")
    c.set_terminated(id)
    c.delete_run(child)
    check(len(c.search_runs([experiment])) == 1, "one run is left")


def state(base: str) -> Iterator[str]:
    c = client(base)
    for experiment in c.search_experiments():
        for run in c.search_runs([experiment.experiment_id], run_view_type=3):
            where = f"{experiment.name}/{run.info.run_name}"
            files = [one.path for one in c.list_artifacts(run.info.run_id)]
            yield f"run {where} {run.info.status} {run.info.lifecycle_stage} files {files} {sorted(run.data.params.items())}"
    for model in c.search_registered_models():
        for version in c.search_model_versions(f"name='{model.name}'"):
            run = c.get_run(version.run_id)
            rest = version.source.removeprefix(run.info.artifact_uri)
            yield f"model {model.name} of run {run.info.run_name}, source is its artifacts and {rest!r}"


main(seed, flow, state)
