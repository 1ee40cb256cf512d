"""Every error code is explained, in both languages, in words of its own."""

import re
from collections import Counter
from collections.abc import Iterable

import pytest

from contracts.causes.cause import Repeat, Seen
from contracts.problem_causes import CAUSES, TOPICS
from contracts.problems import PROBLEMS, HubError

VIETNAMESE = re.compile("[ăâđêôơưàáảãạằắẳẵặầấẩẫậèéẻẽẹềếểễệìíỉĩịòóỏõọồốổỗộờớởỡợùúủũụừứửữựỳýỷỹỵ]", re.IGNORECASE)
PLACEHOLDER = re.compile(r"\b(todo|tbd|fixme|xxx|lorem)\b|\.\.\.", re.IGNORECASE)
codes = pytest.mark.parametrize("code", sorted(PROBLEMS))


def vietnamese(code: str) -> list[str]:
    problem, cause = PROBLEMS[code], CAUSES[code]
    return [problem.title_vi, problem.remedy_vi, cause.vi, *cause.steps_vi]


def english(code: str) -> list[str]:
    problem, cause = PROBLEMS[code], CAUSES[code]
    return [problem.title, problem.remedy_en, cause.en, *cause.steps_en]


def repeated(texts: Iterable[str]) -> list[str]:
    return [text for text, count in Counter(text.casefold() for text in texts).items() if count > 1]


def test_every_code_has_one_cause_in_one_topic() -> None:
    listed = [code for topic in TOPICS for code in topic.causes]
    assert sorted(listed) == sorted(PROBLEMS)
    assert sorted(CAUSES) == sorted(PROBLEMS)


@codes
def test_texts_are_whole_and_in_their_language(code: str) -> None:
    assert all(VIETNAMESE.search(text) for text in vietnamese(code)), vietnamese(code)
    assert not any(VIETNAMESE.search(text) for text in english(code)), english(code)
    for text in [*vietnamese(code), *english(code)]:
        assert text == text.strip()
        assert "  " not in text
        assert not PLACEHOLDER.search(text)


@codes
def test_cause_and_remedy_are_sentences_and_steps_come_in_pairs(code: str) -> None:
    problem, cause = PROBLEMS[code], CAUSES[code]
    for text in (cause.vi, cause.en, problem.remedy_vi, problem.remedy_en, *cause.steps_vi, *cause.steps_en):
        assert text[0].isupper() or text.startswith("PUT"), text
        assert text.endswith((".", ").")), text
    assert len(cause.vi) > 100
    assert len(cause.en) > 100
    assert len(cause.steps_vi) == len(cause.steps_en) >= 1


def test_no_two_codes_are_told_in_the_same_words() -> None:
    problems, causes = PROBLEMS.values(), CAUSES.values()
    assert repeated(problem.title for problem in problems) == []
    assert repeated(problem.title_vi for problem in problems) == []
    assert repeated(problem.remedy_en for problem in problems) == []
    assert repeated(problem.remedy_vi for problem in problems) == []
    assert repeated(cause.en for cause in causes) == []
    assert repeated(cause.vi for cause in causes) == []


@codes
def test_related_codes_exist_and_are_others(code: str) -> None:
    related = CAUSES[code].see
    assert related
    assert set(related) <= set(PROBLEMS) - {code}
    assert len(set(related)) == len(related)


@codes
def test_whether_to_repeat_agrees_with_the_list_of_codes(code: str) -> None:
    problem, repeat = PROBLEMS[code], CAUSES[code].repeat
    if problem.retryable:
        assert repeat in (Repeat.SAME, Repeat.LATER)
    if problem.status in (401, 403, 413, 422):
        assert repeat is not Repeat.SAME


@codes
def test_where_it_is_met_is_told_once_each(code: str) -> None:
    seen = CAUSES[code].seen
    assert seen
    assert len(set(seen)) == len(seen)


def test_labels_are_in_both_languages() -> None:
    for words in [*(each.value for each in Seen), *(each.value for each in Repeat), *(each.title for each in TOPICS)]:
        assert VIETNAMESE.search(words.vi)
        assert not VIETNAMESE.search(words.en)


def test_an_error_carries_the_contract_it_broke() -> None:
    assert HubError("contract.invalid", contract="dossier.submitted/v1").contract == "dossier.submitted/v1"
    assert HubError("contract.invalid").contract == ""
