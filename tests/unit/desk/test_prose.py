"""An agent reads when an invitation is in their own zone: the page marks its moments as times."""

from __future__ import annotations

from services.desk.web.prose import linked


def test_a_moment_in_utc_is_a_time_and_words_around_it_stay() -> None:
    found = str(linked("Declined: <Visit>, 1 December 2026 09:00 UTC (Kim) see https://example.org/a."))
    assert found == (
        'Declined: &lt;Visit&gt;, <time class="number" datetime="2026-12-01T09:00:00+00:00" data-as="moment">'
        '1 December 2026 09:00 UTC</time> (Kim) see <a href="https://example.org/a" target="_blank"'
        ' rel="noopener noreferrer nofollow">https://example.org/a</a>.'
    )


def test_a_day_that_does_not_exist_stays_as_it_was_written() -> None:
    assert str(linked("31 February 2026 09:00 UTC & later")) == "31 February 2026 09:00 UTC &amp; later"
