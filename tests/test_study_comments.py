"""``[[comments]]`` of study.toml: lists of words by which comments are counted."""

import pytest
from test_study_tables import problems, read

import whychurn as wc
from whychurn.sources.simulator import CompanySettings
from whychurn.sources.simulator.world import COMMENTS
from whychurn.sources.simulator.writing import study_text

PRICE = '[[comments]]\nname = "Price"\nwords = ["price", "too expensive", 24]\n\n[churn]'


def with_comments(folder, text):
    return problems(folder, ("[churn]", text))


def test_topics_arrive_in_order(tmp_path):
    study = read(tmp_path)
    assert study.comments == ()
    text = (tmp_path / "study.toml").read_text().replace("[churn]", PRICE)
    (topic,) = read(tmp_path, text).comments
    assert (topic.name, topic.words) == ("Price", ("price", "too expensive", "24"))


@pytest.mark.parametrize(
    ("topic", "expected"),
    [
        ('words = ["price"]', "comments[1].name: is missing. Expected what these comments are about"),
        ('name = "Price"', "comments[1].words: is missing. Expected a list of words or phrases"),
        ('name = "Price"\nwords = []', "comments[1].words: expected a list of words or phrases"),
        ('name = "Price"\nwords = "price"', "comments[1].words: expected a list of words or phrases"),
        ('name = ""\nwords = ["price"]', "comments[1].name: expected what these comments are about"),
        ('name = "Price"\nword = ["price"]', "comments[1].word: unknown key. Did you mean words?"),
        ('name = "Price"\nwords = ["…"]', "comments[1].words: '…' holds no letter or digit"),
        ('name = "Price"\nwords = ["price", " PRICE "]', "comments[1].words: 'PRICE' stands there twice"),
        (
            'name = "Price"\nwords = ["price"]\n[[comments]]\nname = "price"\nwords = ["dear"]',
            "comments[2].name: 'price' is already the name of comments[1].",
        ),
    ],
)
def test_each_rule_says_what_is_wrong(tmp_path, topic, expected):
    assert expected in with_comments(tmp_path, f"[[comments]]\n{topic}\n\n[churn]")


def test_the_demo_declares_topics_that_its_comments_mention(tmp_path):
    (tmp_path / "study.toml").write_text(study_text(CompanySettings()), encoding="utf-8")
    words = [word for topic in wc.read_study(tmp_path).comments for word in topic.words]
    said = " ".join(text for texts in COMMENTS.values() for text in texts).casefold()
    assert {"reports", "price", "support", "clicks", "hardly use it"} <= {word for word in words if word in said}
