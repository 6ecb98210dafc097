"""What a search wanted is marked in texts and names, and nothing in them becomes HTML."""

import pytest

from webapp.finding.marks import text_marked


@pytest.mark.parametrize(
    ("text", "query", "marked"),
    [
        ("A dog runs.", "dog", "A <mark>dog</mark> runs."),
        ("Two Dogs and a doghouse", "dog", "Two <mark>Dogs</mark> and a <mark>doghouse</mark>"),
        ("a dog, a dogma", '"dog"', "a <mark>dog</mark>, a dogma"),
        ("two dogs run", '"two dogs"', "<mark>two dogs</mark> run"),
        ("two big dogs", '"two dogs"', "two big dogs"),
        ("IMG_1234-beach.jpg", "img_1234", "<mark>IMG_1234</mark>-beach.jpg"),
        ("A dog.", "-dog", "A dog."),
        ("A dog.", "", "A dog."),
        ("A dog.", "dog cat", "A <mark>dog</mark>."),
        ("the café in Zürich", "cafe zur", "the <mark>café</mark> in <mark>Zürich</mark>"),
        ("cafe\u0301 noir", "café", "<mark>cafe\u0301</mark> noir"),
        ("两只狗在跑", "狗", "两只<mark>狗</mark>在跑"),
        ("两只狗在跑", "只狗", "两<mark>只狗</mark>在跑"),
        ("Straße", "strasse", "<mark>Straße</mark>"),
        ("красная собака", "СОБАКА", "красная <mark>собака</mark>"),
        ("", "dog", ""),
    ],
)
def test_marks_stand_where_the_search_finds(text: str, query: str, marked: str) -> None:
    assert text_marked(text, query) == marked


@pytest.mark.parametrize("query", ["script", "b", "<b>", "amp", "lt", '" onmouseover', "x"])
def test_marked_text_is_escaped(query: str) -> None:
    shown = text_marked("<script>b</script> & <b x='y'> \"q\" &amp; x", query)
    plain = shown.replace("<mark>", "").replace("</mark>", "")
    assert plain == ("&lt;script&gt;b&lt;/script&gt; &amp; &lt;b x=&#x27;y&#x27;&gt; &quot;q&quot; &amp;amp; x")
