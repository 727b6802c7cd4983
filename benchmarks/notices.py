"""A month's rent notices published, against what the disk asks for; `python -m benchmarks.notices [notices]` alone."""

import hashlib
import os
import random
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

from flask import Flask
from sqlalchemy import Table, insert, select

from tenant_portal.db import begin_write, db
from tenant_portal.models import Account, Consent, ConsentPurpose, Contract

from . import portal
from .table import Row, markdown, processor_seconds, seconds

NOTICES, ROUNDS = 10_000, 3
#: Bytes of a notice.
SIZE = 40_000


def rows(notices: int = NOTICES) -> Iterator[Row]:
    """Publish so many notices, whose tenants all get a mail."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        stage = _Stage(folder, notices)
        ours, floor = _compared(stage.publish, lambda: _by_hand(stage.paper, folder / "floor"))
        reached = (
            f"**{ours['clock'] / floor['clock']:.2f}** of its time by the clock ({ours['clock']:.1f} s against"
            f" {floor['clock']:.1f} s); {ours['processor']:.1f} against {floor['processor']:.1f} s of processor"
        )
        work = f"{notices:,} notices published, {notices:,} mails written, SQLite"
        yield Row(work, "read, hash, write and sync each file", "at most 2.0 times its time", reached)


class _Stage:
    """A portal whose tenants all asked for mails, and a folder with a notice for each."""

    def __init__(self, folder: Path, notices: int) -> None:
        self._data, self._notices = folder / "portal", notices
        self._data.mkdir()
        self._app = portal.prepare(self._data, **portal.CHEAPEST, contracts=notices, tenants=0)
        _open_accounts(self._app)
        self._empty = folder / "empty.sqlite3"
        shutil.copy(self._data / "portal.sqlite3", self._empty)
        self.paper = folder / "avis"
        self.paper.mkdir()
        for number in range(notices):
            content = b"%PDF-1.4\n" + random.Random(number).randbytes(SIZE)  # noqa: S311 (a sample)
            (self.paper / f"{portal.reference(number)}_2026-11.pdf").write_bytes(content)

    def publish(self) -> dict[str, float]:
        """Publish all of them into an empty portal."""
        shutil.rmtree(self._data / "notices", ignore_errors=True)
        for path in self._data.glob("portal.sqlite3*"):
            path.unlink()
        shutil.copy(self._empty, self._data / "portal.sqlite3")
        command = ["portal", "notices", "publish", str(self.paper)]

        def work() -> None:
            result = self._app.test_cli_runner().invoke(args=command)
            assert result.exit_code == 0 and f"{self._notices} locataires" in result.output, result.output

        taken = _measure(work)
        with self._app.app_context():
            db.engine.dispose()
        return taken


def _open_accounts(app: Flask) -> None:
    """Give each contract a finished account that asked for mails, without the twelve steps."""
    with app.app_context():
        begin_write()
        contracts = db.session.scalars(select(Contract.id).order_by(Contract.id)).all()
        moment = db.session.scalars(select(Contract.imported_at)).first()
        account = {"password_hash": "-", "signup_key": "-", "activated_at": moment, "completed_at": moment}
        db.session.execute(
            insert(cast(Table, Account.__table__)),
            [{**account, "id": number, "email": f"tenant{number}@orange.fr"} for number in contracts],
        )
        db.session.execute(db.update(Contract).values(account_id=Contract.id))
        answer = {"purpose": ConsentPurpose.E_NOTICE, "answer": True, "wording": "-"}
        answer |= {"wording_version": "-", "channel": "form"}
        db.session.execute(
            insert(cast(Table, Consent.__table__)),
            [{**answer, "account_id": number, "contract_id": number} for number in contracts],
        )
        db.session.commit()
        db.session.execute(db.text("PRAGMA wal_checkpoint(TRUNCATE)"))
        db.session.remove()
        db.engine.dispose()


def _by_hand(paper: Path, target: Path) -> dict[str, float]:
    """Keep the same files as safely, one after the other."""
    shutil.rmtree(target, ignore_errors=True)

    def work() -> None:
        for path in sorted(paper.iterdir()):
            content = path.read_bytes()
            digest = hashlib.sha256(content).hexdigest()
            folder = target / digest[:2]
            folder.mkdir(parents=True, exist_ok=True)
            with (folder / "half").open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(folder / "half", folder / digest)
        for folder in (*target.iterdir(), target):
            handle = os.open(folder, os.O_RDONLY)
            os.fsync(handle)
            os.close(handle)

    return _measure(work)


def _compared(*works: Callable[[], dict[str, float]]) -> list[dict[str, float]]:
    taken: list[list[dict[str, float]]] = [[] for _ in works]
    for turn in range(ROUNDS):
        order = list(enumerate(works))
        for index, work in order if turn % 2 else reversed(order):
            taken[index].append(work())
    return [{what: statistics.median(one[what] for one in all_) for what in all_[0]} for all_ in taken]


def _measure(work: Callable[[], Any]) -> dict[str, float]:
    os.sync()
    taken = {}
    taken["clock"] = seconds(lambda: taken.update(processor=processor_seconds(work)))
    return taken


if __name__ == "__main__":
    print(markdown(list(rows(*map(int, sys.argv[1:2])))))
