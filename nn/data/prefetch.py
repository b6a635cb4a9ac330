"""Working ahead in a thread."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

T = TypeVar("T")


def prefetched(items: Iterator[T], depth: int) -> Iterator[T]:
    """The same items, up to ``depth`` of them made ahead of time by one thread.

    An exception is raised where its item would have come; the thread ends with the iterator.

    >>> list(prefetched(iter("abc"), 2))
    ['a', 'b', 'c']
    """
    # An item comes in a list, which is empty when there are no more.
    with ThreadPoolExecutor(1, thread_name_prefix="prefetch") as executor:

        def make() -> list[T]:
            return list(islice(items, 1))

        ahead = deque(executor.submit(make) for _ in range(depth))
        while item := ahead.popleft().result():
            ahead.append(executor.submit(make))
            yield item[0]
