"""Workers: they plan what is due, claim work under leases, run it in processes of its own and note how it ended."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import structlog
from prometheus_client import Counter, Histogram

from driftline.alarms import evaluating, keeping
from driftline.alerting import planning as alerting
from driftline.alerting import telling
from driftline.catalog import Catalog, logs, resources, work
from driftline.catalog.work import Work
from driftline.channels import cloudwatch
from driftline.errors import DriftlineError, NotFound, Unavailable
from driftline.imports import watching
from driftline.modelmonitors import planning
from driftline.processing import executing, jobs, labours, metrics, served
from driftline.processing.contract import CLARIFY
from driftline.processing.latecomers import Latecomers
from driftline.processing.outcome import COMPLETED, STOPPED, Outcome
from driftline.processing.slot import Limits, Slot
from driftline.schedules import plan_due
from driftline.settings import Settings
from driftline.storage.access import Access
from driftline.topics import publishing

log = structlog.get_logger("driftline.worker")

RUNS = Counter("driftline_runs", "Runs that ended, by status.", ["kind", "status"])
RUN_SECONDS = Histogram("driftline_run_seconds", "How long runs took.", ["kind"])
PLANNED = Counter("driftline_planned_executions", "Executions of schedules that fell due.")
RETRIED = Counter("driftline_retried_runs", "Runs that were given back, to be tried again.")

_BEGINS: Mapping[str, Callable[[Catalog, Work, Access, Settings], dict[str, Any] | None]] = {
    jobs.WORK: jobs.begin,
    executing.WORK: executing.begin,
}
"""How work of each kind begins: with the processing job to run, or None if there is nothing to run."""

_LONGEST_PAUSE_SECONDS = 60.0
_LONGEST_LABOUR_SECONDS = 86_400.0
_BEAT_SECONDS = 1.0
_FORGETS = timedelta(hours=1)


@dataclass
class Held:
    """Work that is being done: its lines not yet stored, and whether it must stop or belongs to somebody else."""

    work: Work
    job: str = ""
    lines: list[str] = field(default_factory=list)
    stop: bool = False
    lost: bool = False
    guard: threading.Lock = field(default_factory=threading.Lock)

    def say(self, line: str) -> None:
        """Keep a line of the job's log."""
        with self.guard:
            self.lines.append(line)

    def said(self) -> list[str]:
        """The lines since the last call."""
        with self.guard:
            lines, self.lines = self.lines, []
        return lines


class Worker:
    """Plans, claims and runs, in threads of this process, until it is stopped."""

    def __init__(
        self, catalog: Catalog, settings: Settings, access: Access, *, node: str = "", plans: bool = True,
        slots: int | None = None,
    ) -> None:  # fmt: skip
        """`node` names this worker for good: after a restart under the same name it takes its own work up at once.

        `slots` is how many runs it does at once, instead of what the settings say; with 0 it plans, judges and tells.
        """
        self._catalog, self._settings, self._access = catalog, settings, access
        self.node = node or f"{socket.gethostname()}-{os.getpid()}"
        self._plans = plans
        self._slots = (settings.workers or os.cpu_count() or 1) if slots is None else slots
        self._ended = threading.Event()
        self._woken = threading.Condition()
        self._held: dict[int, Held] = {}
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Begin; work that this node held before a crash goes back to the queue first."""
        with self._catalog.begin() as tx:
            work.release(tx, self.node, now=self._catalog.clock())
        loops: list[tuple[str, Callable[[], None]]] = [("beat", self._beat)]
        loops += [("plan", self._plan)] if self._plans else []
        loops += [("labels", self._look)] if self._plans and self._settings.label_days else []
        loops += [("imports", self._watch), ("monitors", self._monitor)] if self._plans else []
        loops += [("alerts", self._alert), ("alarms", self._alarm)] if self._plans else []
        loops += [(f"slot-{place}", self._labour) for place in range(self._slots)]
        loops += [("deliver", self._deliver)]
        for name, loop in loops:
            thread = threading.Thread(target=loop, name=f"driftline-{name}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self, timeout: float = 10.0) -> None:
        """End; what runs is given back to the queue."""
        self._ended.set()
        self.wake()
        for thread in self._threads:
            thread.join(timeout)

    def wake(self) -> None:
        """Look for work now."""
        with self._woken:
            self._woken.notify_all()

    def _plan(self) -> None:
        """Make executions of what is due, and return the work of workers that fell silent."""
        while not self._ended.is_set():
            with _surviving("plan"):
                now = self._catalog.clock()
                with self._catalog.begin() as tx:
                    made = plan_due(tx, now, self._settings)
                    executing.reap(tx, self._settings, now)
                if made:
                    PLANNED.inc(made)
                    log.info("planned", executions=made)
                    self.wake()
                    continue
            self._ended.wait(self._settings.poll_seconds)

    def _look(self) -> None:
        """Run windows again whose labels came late."""
        latecomers = Latecomers(self._catalog, self._access, self._settings)
        while not self._ended.wait(self._settings.label_poll_seconds):
            with _surviving("labels"):
                again = latecomers.look(self._catalog.clock())
                if again:
                    log.info("labels came", executions=again)
                    self.wake()

    def _watch(self) -> None:
        """Look for new files of import jobs."""
        while not self._ended.wait(self._settings.poll_seconds):
            with _surviving("imports"):
                if watching.look(self._catalog, self._access, self._catalog.clock()):
                    self.wake()

    def _monitor(self) -> None:
        """Plan what monitors of models have to look at."""
        while not self._ended.wait(self._settings.poll_seconds):
            with _surviving("monitors"):
                if planning.plan(self._catalog, self._catalog.clock(), self._settings):
                    self.wake()

    def _alert(self) -> None:
        """Judge by the rules of alerts, and queue what is to be told."""
        while not self._ended.wait(self._settings.poll_seconds):
            with _surviving("alerts"):
                if alerting.plan(self._catalog, self._catalog.clock(), self._settings):
                    self.wake()

    def _alarm(self) -> None:
        """Judge the alarms on metrics, and forget now and then what is old."""
        forgotten = None
        while not self._ended.wait(self._settings.poll_seconds):
            with _surviving("alarms"):
                now = self._catalog.clock()
                if evaluating.evaluate(self._catalog, now, self._settings):
                    self.wake()
                if forgotten is None or now - forgotten > _FORGETS:
                    keeping.forget(self._catalog, now, self._settings)
                    forgotten = now

    def _beat(self) -> None:
        """Prolong the leases of what is held, store its log, and learn what has to stop."""
        interval = min(_BEAT_SECONDS, self._settings.lease_seconds / 3)
        while not self._ended.wait(interval):
            with _surviving("beat"):
                for held in list(self._held.values()):
                    self._touch(held)

    def _touch(self, held: Held) -> None:
        now = self._catalog.clock()
        with self._catalog.begin() as tx:
            alive = work.beat(tx, held.work, now=now, lease_seconds=self._settings.lease_seconds)
            if alive and held.job:
                logs.append(tx, held.job, held.said(), now=now)
                job = resources.find(tx, jobs.KIND, held.job)
                held.stop = job is None or job.status == "Stopping"
            # what ends itself in the catalog is done when its work is gone, and may have a last thing to do
            lost = not alive and (held.work.kind in _BEGINS or work.is_there(tx, held.work))
        if lost:
            held.lost = True

    def _labour(self) -> None:
        with Slot() as slot:
            while not self._ended.is_set():
                claimed = self._claim()
                if claimed is not None:
                    with _surviving("work"):
                        self._do(claimed, slot)

    def _deliver(self) -> None:
        """Send what is to be told, in a thread of its own: nobody waits for a long run to be told of another."""
        while not self._ended.is_set():
            claimed = self._claim((telling.WORK, publishing.WORK))
            if claimed is None:
                continue
            self._held[claimed.id] = Held(claimed)
            with _surviving("deliver"):
                send = labours.LABOURS[claimed.kind]
                log.info("told", said=send(self._catalog, claimed, self._settings, self._access, log.info))
            del self._held[claimed.id]

    def _claim(self, kinds: Sequence[str] = ()) -> Work | None:
        """Work of these kinds, of all if none are named; None, after a while, if there is none."""
        claimed = None
        with _surviving("claim"), self._catalog.begin() as tx:
            now, lease = self._catalog.clock(), self._settings.lease_seconds
            claimed = work.claim(tx, self.node, now=now, lease_seconds=lease, kinds=kinds)
        if claimed is None:
            with self._woken:
                self._woken.wait(self._settings.poll_seconds)
        return claimed

    def _do(self, claimed: Work, slot: Slot) -> None:
        held = self._held[claimed.id] = Held(claimed)
        started = time.monotonic()
        about = log.bind(kind=claimed.kind, subject=claimed.subject, attempt=claimed.attempt)
        try:
            if claimed.kind not in _BEGINS:
                self._labour_on(held, slot, about)
                return
            asked, outcome = self._run(held, slot)
            if asked is None:
                return
            about = about.bind(job=held.job)
            if self._ended.is_set() and outcome.status == "Stopped" and not held.stop:
                self._give_back(claimed, "the worker is stopping", 0.0, counts=False)
                return
            ended = jobs.end(self._catalog, claimed, held.job, outcome, held.said())
            if ended and self._settings.cloudwatch and outcome.metrics:
                self._publish(asked["body"].get("Environment") or {}, outcome)
            spent = time.monotonic() - started
            RUNS.labels(claimed.kind, outcome.execution_status).inc()
            RUN_SECONDS.labels(claimed.kind).observe(spent)
            about.info(
                "ended" if ended else "fenced out",
                status=outcome.execution_status,
                reason=outcome.failure_reason,
                seconds=round(spent, 3),
            )
        except executing.NotYet as reason:
            self._give_back(claimed, str(reason), 1.0, counts=False)
        except Unavailable as error:
            about.warning("unavailable", error=str(error))
            self._unavailable(claimed, str(error))
        except NotFound as error:
            about.warning("gone", error=str(error))
            with self._catalog.begin() as tx:
                work.finish(tx, claimed)
        except DriftlineError as error:
            about.warning("failed", error=str(error))
            executing.give_up(self._catalog, claimed, f"ClientError: {error}")
        finally:
            del self._held[claimed.id]

    def _run(self, held: Held, slot: Slot) -> tuple[dict[str, Any] | None, Outcome]:
        """Run the job of the work, and any steps before it; None if there is nothing (more) to run."""
        while True:
            asked = _BEGINS[held.work.kind](self._catalog, held.work, self._access, self._settings)
            if asked is None:
                return None, Outcome("Stopped")
            held.job = asked["name"]
            limits = Limits(jobs.seconds_of(asked["body"]), self._settings.job_memory_bytes)
            outcome = slot.run(self._addressed(asked), limits, held.say, lambda: self._is_over(held))
            interrupted = outcome.status == "Stopped" and self._ended.is_set() and not held.stop
            if interrupted or not asked.get("is_step"):
                return asked, outcome
            if not executing.proceed(self._catalog, held.work, held.job, outcome, held.said()):
                return None, outcome

    def _labour_on(self, held: Held, slot: Slot, about: Any) -> None:
        """Work that ends itself in the catalog; what failed in it is told, and tried again a few times."""
        order = labours.asked(held.work, self._settings, self._access)
        limits = Limits(_LONGEST_LABOUR_SECONDS, self._settings.job_memory_bytes)
        outcome = slot.run(order, limits, lambda line: about.info("said", line=line), lambda: self._is_over(held))
        RUNS.labels(held.work.kind, outcome.status).inc()
        if outcome.status == COMPLETED:
            about.info("ended", said=outcome.exit_message)
            self.wake()
        elif self._ended.is_set() and outcome.status == STOPPED:
            self._give_back(held.work, "the worker is stopping", 0.0, counts=False)
        else:
            about.warning("failed", error=outcome.failure_reason)
            self._unavailable(held.work, outcome.failure_reason or "it was stopped")

    def _publish(self, environment: Mapping[str, str], outcome: Outcome) -> None:
        """Metrics are told on the side: a run does not fail for them."""
        settings = self._settings
        try:
            cloudwatch.send(
                outcome.metrics, metrics.namespace(environment), url=settings.cloudwatch_url, region=settings.region
            )
        except Unavailable as error:
            log.warning("metrics not sent", error=str(error))

    def _addressed(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        told: dict[str, Any] = {
            "endpoint_url": self._access.endpoint_url,
            "region": self._access.region,
            "images": dict(self._settings.images),
            "memory_bytes": self._settings.job_memory_bytes,
        }
        if CLARIFY in asked["body"].get("AppSpecification", {}).get("ImageUri", ""):
            with self._catalog.read() as tx:
                told |= {"models": served.urls(tx, self._settings.models), "allowed": self._settings.allowed_hosts}
        return {**asked, **told}

    def _is_over(self, held: Held) -> bool:
        return held.stop or held.lost or self._ended.is_set()

    def _unavailable(self, claimed: Work, error: str) -> None:
        if claimed.attempt >= self._settings.attempts:
            executing.give_up(self._catalog, claimed, f"InternalServerError: {error} ({claimed.attempt} attempts)")
            return
        self._give_back(claimed, error, min(2.0 ** (claimed.attempt - 1), _LONGEST_PAUSE_SECONDS))

    def _give_back(self, claimed: Work, reason: str, pause_seconds: float, *, counts: bool = True) -> None:
        now = self._catalog.clock()
        RETRIED.inc(counts)
        log.info("given back", subject=claimed.subject, reason=reason, pause=pause_seconds)
        with self._catalog.begin() as tx:
            work.give_back(tx, claimed, run_after=now + timedelta(seconds=pause_seconds), counts=counts)


@contextmanager
def _surviving(what: str) -> Iterator[None]:
    """The worker's loop goes on whatever happens in it; what happened is logged."""
    try:
        yield
    except Exception:
        log.exception(what)
        time.sleep(1.0)
