"""Faust at the speed of the log: one Faust event per fetched run of a partition, with a ledger of
its own for commits.

What goes wrong without it: Faust's plumbing per record makes a worker fifty times slower than a
plain loop, and its acknowledgements count what an agent raised on as done. From Faust we take group
membership, rebalance, flow control, the commit timer and shutdown; what was fetched, handed over,
done and may be committed is ours (`ledger.py`).

The rules, which the fault tests hold us to; the code refers to them by number:

 1. Per partition: the next offset expected, a ledger of batches, a safe offset; and one epoch
    number for all.
 2. After each assignment, before the flow resumes: seek to the committed offset (the log's start
    where there is none, or where it lies outside), expect it, clear ledger and safe offsets, and
    begin a new epoch.
 3. Fetch on the loop of everything else, noting positions before and after. If the assignment
    changed meanwhile, give back what was returned by seeking to its first record, and return
    nothing.
 4. Hand over only what begins where the last hand-over ended; otherwise rule 2. A run without
    records (transaction markers, compaction) is a batch that is already done.
 5. Look at flow and epoch again before each chunk. Never expect more than what was handed over.
 6. A batch is done when all its outputs are acknowledged. Acknowledgements of an older epoch are
    ignored.
 7. Commit the end of the longest prefix of done batches, on the timer. `commit()` does nothing
    while another commit runs, so where it matters it is called again.
 8. On revocation and on shutdown: stop the flow, wait up to `settle` seconds for what was started,
    commit; after a revocation begin a new epoch. After a crash, none of this.
 9. Any exception crashes the process, and a supervisor starts it again. An agent's own guard may
    send a record to the dead letters, and that send is one of the batch's outputs.
10. At most `max_outstanding` batches a partition; full partitions are not fetched. aiokafka is
    never given an empty set of partitions: to it that means all.
11. One agent a topic, no tables, `earliest` only.
12. A watchdog crashes the worker where the oldest batch is too old, the flow stays stopped, or the
    group is left.
13. Lanes: the live topics are asked first, without waiting; the others only when those had nothing,
    and at a slower pace while they had something lately (`shared/bus/pace.py`).

It leans on private names of faust-streaming and aiokafka, so their versions are pinned, and checked
here.
"""

from __future__ import annotations

from importlib.metadata import version

from shared.errors import Misconfigured

_NEEDS = {"faust-streaming": "0.15.3", "aiokafka": "0.14.0"}

for _name, _wanted in _NEEDS.items():
    if (_found := version(_name)) != _wanted:
        raise Misconfigured(
            f"the router's engine uses private parts of {_name} {_wanted} but found {_found}: install what "
            "requirements.lock says, or adapt services/router/adapters/engine and run the fault tests"
        )
