"""Work beside other work: in order, waited for, and let go if the work within fails."""

import threading

import pytest

from couponry.predictors.beside import beside


def test_work_is_done_in_order_in_a_thread_of_its_own():
    """Leaving waits for the last of it."""
    done = []
    with beside() as thread:
        for name in "abc":
            thread.submit(lambda name=name: done.append((name, threading.current_thread())))
    assert [name for name, _ in done] == list("abc")
    assert {where for _, where in done}.isdisjoint({threading.current_thread()})


def test_what_has_not_begun_is_let_go_where_the_work_within_fails():
    """What has begun is waited for."""
    began, go_on, done = threading.Event(), threading.Event(), []

    def first():
        began.set()
        assert go_on.wait(10)
        done.append("first")

    with pytest.raises(KeyboardInterrupt), beside() as thread:  # noqa: PT012  # the interrupt comes within
        thread.submit(first)
        second = thread.submit(done.append, "second")
        assert began.wait(10)
        threading.Timer(0.05, go_on.set).start()
        raise KeyboardInterrupt
    assert done == ["first"]
    assert second.cancelled()


def test_its_errors_are_those_of_the_result():
    """They are raised where the result is asked for."""
    with beside() as thread:
        wrong = thread.submit(int, "x")
    with pytest.raises(ValueError, match="invalid literal"):
        wrong.result()
