"""An agent reads the lines of an HTML mail as its sender saw them."""

from __future__ import annotations

import pytest

from shared.markup import MAX_DEPTH, bounded, to_text, without_tags
from shared.text import clean_html


@pytest.mark.parametrize(
    ("html", "lines"),
    [
        ("<dl><dt>Model</dt><dd>L-12</dd><dt>Bought</dt><dd>May</dd></dl>", ["Model", "L-12", "Bought", "May"]),
        ("a<section>b</section><section>c</section><address>d</address>e", ["a", "b", "c", "d", "e"]),
        ("above<hr>below", ["above", "below"]),
        ("<ol start=3><li>a<li>b</ol>", ["3. a", "4. b"]),
        ("<ol><li value='7'>a<li>b</ol>", ["7. a", "8. b"]),
        ("<ul><li>a<li>b<ul><li>c</ul></ul>d", ["* a", "* b", "  + c", "", "d"]),
        ("<ul><li><p>one</p><p>two</p></li></ul>", ["* one", "", "  two"]),
        ('<div style="white-space: pre-wrap">a\n  b\n\nc</div>', ["a", "  b", "", "c"]),
        (
            "<p>Log:</p><pre><code>1\n2 &lt;fatal&gt;\n</code></pre><p>Help</p>",
            ["Log:", "", "1", "2 <fatal>", "", "Help"],
        ),
        ("<div>a<br></div><div><br></div><div>b</div>", ["a", "", "b"]),
        ("<p>a<br>b<br><br>c</p>", ["a", "b", "", "c"]),
        ("<table><tr><td>Lamp<td>2<tr><td>Bulb<td>7</table>", ["Lamp  2", "Bulb  7"]),
        ("<table><tr><td><p>Lamp</p></td><td><p>2</p></td></tr></table>", ["Lamp  2"]),
        ("<table><tr><td><table><tr><td>in</td></tr></table></td><td>out</td></tr></table>", ["in", "out"]),
        ("<b>Order:</b> 5<br/>\n<b>Name:</b> X", ["Order: 5", "Name: X"]),
        ("5 < 6 and 7 > 6, a &amp;lt; b &amp;copy", ["5 < 6 and 7 > 6, a &lt; b &copy"]),
        ("<style>p > a {}</style>x<script>if (a<b) '<div>'</script>y<!-- <p>no -->z", ["xyz"]),
        ("&#" + "9" * 5_000 + ";", ["&#" + "9" * 5_000 + ";"]),
    ],
)
def test_the_lines_of_an_html_mail_stay_lines(html: str, lines: list[str]) -> None:
    assert to_text(html).split("\n") == lines


@pytest.mark.parametrize(
    "hidden",
    [
        '<div style="display:none;font-size:1px">Buy now</div>',
        "<div STYLE='Display : NONE !important'>Buy now</div>",
        "<span style='mso-hide:all'>Buy <b>now</b></span>",
        '<div style="max-height:0px; overflow:hidden">Buy<div>now</div></div>',
        "<p hidden>Buy now</p>",
        "<table><tr style='display:none'><td>Buy</td><td>now</td></tr></table>",
    ],
)
def test_a_preheader_that_no_reader_sees_is_not_shown_to_an_agent(hidden: str) -> None:
    assert to_text(f"{hidden}<p>My lamp is broken.</p>") == "My lamp is broken."


def test_no_word_vanishes_because_something_before_it_was_hidden() -> None:
    assert to_text("<div style='display:none'>All that I wrote</div>") == "All that I wrote"
    assert to_text("<div style='display:none'>never closed, <b>so it counts</b>") == "never closed, so it counts"
    assert to_text("<td style='font-size:0px; max-height:0.5em'>seen</td>") == "seen"


def test_words_beyond_the_depth_that_parsers_bear_are_still_there() -> None:
    deep = "<div>" * 5_000 + "My lamp" + "</div>" * 5_000 + "<p>is broken"
    assert to_text(deep) == "My lamp\n\nis broken"
    assert clean_html(deep).count("<div>") == MAX_DEPTH
    assert "My lamp" in clean_html(deep)


def test_a_picture_in_the_html_itself_stays_whole_and_an_endless_tag_loses_its_attributes() -> None:
    picture = '<img src="data:image/png;base64,' + "AAAA" * 5_000 + '">'
    assert bounded(picture) == picture
    assert bounded("<p " + " ".join(f"a{number}=1" for number in range(5_000)) + ">words") == "<p>words"


def test_html_within_the_limits_is_left_as_it_was() -> None:
    html = '<div class="a > b"><p>x<p>y<table><td>1</table></div><b><i>z</b></i> &amp; <br> done'
    assert bounded(html).replace("</i>", "") == html.replace("</i>", "")
    assert without_tags("<p title='>'>a</p><br>b") == "a b"
