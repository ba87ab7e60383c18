"""Engines that run one task for each partition: this process, others, Dask or Spark.

A task gets the rows of a partition and its number, and returns a small value.
"""

from __future__ import annotations

import os
import pickle
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process
from threading import Thread
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import pandas as pd

from mailframe.datasets.sources import kind_of, partitions
from mailframe.errors import MailframeError
from mailframe.message.arrow_columns import frame_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mailframe.datasets.sources import Partition

Task: TypeAlias = Callable[[pd.DataFrame, int], Any]
PROCESSES: Final = "processes"
_TRIES: Final = 4
"""How often a task runs whose process was killed, at most."""


def run(task: Task, source: Any, executor: Any) -> list[Any]:
    """The result of the task for each partition, in the order of the rows.

    Args:
        task: can be pickled.
        source: see ``kind_of``.
        executor: None for this process, ``"processes"``, a Dask client or a Spark session.

    Raises:
        MailframeError: the executor is none of these, or cannot read the source.
    """
    kind, engine = kind_of(source), _engine(executor)
    if kind == "spark":
        if engine not in ("here", "spark"):
            raise MailframeError("a Spark DataFrame is read by Spark; leave out executor=")
        return _in_spark_frame(task, source)
    if kind == "dask":
        if engine == "spark":
            raise MailframeError("a Dask DataFrame is read by Dask; give its client as executor=")
        return _in_dask_frame(task, source, executor, engine)
    parts = partitions(source)
    if engine == "spark":
        return _in_spark(task, parts, executor)
    if engine == "dask":
        futures = executor.map(_call, [(task, part, at) for at, part in enumerate(parts)],
                               pure=False)  # fmt: skip
        return list(executor.gather(futures))
    return list(_in_processes(task, parts) if engine == PROCESSES else _here(task, parts))


def _engine(executor: Any) -> str:
    if executor is None:
        return "here"
    if isinstance(executor, str):
        if executor == PROCESSES:
            return PROCESSES
    else:
        module = type(executor).__module__.partition(".")[0]
        if module == "distributed" and hasattr(executor, "gather"):
            return "dask"
        if module == "pyspark" and hasattr(executor, "sparkContext"):
            return "spark"
    raise MailframeError(
        f"executor={executor!r}; leave it out, or give 'processes', a dask.distributed.Client or a "
        "SparkSession"
    )


def _call(item: tuple[Task, Partition, int]) -> Any:
    task, part, number = item
    return task(part.frame(), number)


def _here(task: Task, parts: Sequence[Partition]) -> Iterator[Any]:
    return (task(part.frame(), number) for number, part in enumerate(parts))


def _in_processes(task: Task, parts: Sequence[Partition]) -> list[Any]:
    """Each partition in one of as many processes as there are cores; a killed one is replaced."""
    results: dict[int, Any] = {}
    for tries in range(1, _TRIES + 1):
        waiting = [number for number in range(len(parts)) if number not in results]
        try:
            _pool(task, parts, waiting, results)
        except BrokenProcessPool:
            if tries == _TRIES:
                raise MailframeError(
                    "a worker process ended several times, perhaps for lack of memory, or because "
                    'a script has this call not below if __name__ == "__main__":. The same call '
                    "continues with the parts that are there"
                ) from None
        else:
            break
    return [results[number] for number in range(len(parts))]


def _pool(
    task: Task, parts: Sequence[Partition], waiting: Sequence[int], results: dict[int, Any]
) -> None:
    workers = min(os.cpu_count() or 1, max(1, len(waiting)))
    context = get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=end_with_parent) as pool:
        running: deque[tuple[int, Future[Any]]] = deque()
        try:
            for number in waiting:
                running.append((number, pool.submit(_call, (task, parts[number], number))))
                if len(running) > 2 * workers:  # so that the rows of few are pickled at a time
                    first, future = running.popleft()
                    results[first] = future.result()
            for number, future in running:
                results[number] = future.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def end_with_parent() -> None:
    """End this worker as soon as the process that started it has ended, even if that was killed.

    A pool of Python does not: its workers would wait for tasks forever. A part that is being
    written has no name yet.
    """
    parent = parent_process()

    def wait() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    Thread(target=wait, daemon=True).start()


# --- Dask ----------------------------------------------------------------------------------------


def _in_dask_frame(task: Task, source: Any, executor: Any, engine: str) -> list[Any]:
    from dask.base import compute  # noqa: PLC0415 - an extra
    from dask.delayed import delayed  # noqa: PLC0415 - an extra

    call: Any = delayed(task, pure=False)
    tasks = [call(part, number) for number, part in enumerate(source.to_delayed())]
    if engine == "dask":
        return list(executor.gather(executor.compute(tasks)))
    run_here: Any = compute
    options: dict[str, Any] = {}
    if engine == PROCESSES:
        options = {"scheduler": "processes", "initializer": end_with_parent}
    return list(run_here(*tasks, **options))


# --- Spark ---------------------------------------------------------------------------------------


def _in_spark(task: Task, parts: Sequence[Partition], session: Any) -> list[Any]:
    items = [(task, part, number) for number, part in enumerate(parts)]
    return list(session.sparkContext.parallelize(items, max(1, len(items))).map(_call).collect())


def _in_spark_frame(task: Task, source: Any) -> list[Any]:
    """The task in the tasks of Spark; ``mapInArrow`` gives the rows as they are, without pandas."""

    def of_partition(batches: Iterator[Any]) -> Iterator[Any]:
        import pyarrow as pa  # noqa: PLC0415 - in the worker
        from pyspark import TaskContext  # noqa: PLC0415 - in the worker

        context: Any = TaskContext.get()
        number = context.partitionId()
        rows = list(batches)
        if rows:
            result = pickle.dumps(task(frame_of(pa.Table.from_batches(rows), fast=True), number))
            yield pa.RecordBatch.from_pydict({"number": [number], "result": [result]})

    rows = source.mapInArrow(of_partition, "number bigint, result binary").collect()
    return [pickle.loads(row.result) for row in sorted(rows, key=lambda row: row.number)]  # noqa: S301 - our own workers
