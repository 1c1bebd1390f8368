"""
Writes names in Latin letters whose alphabet leaves vowels out: Arabic (also Persian and Urdu), Hebrew, and those of
India and Sri Lanka.

anyascii, which reads all other alphabets, leaves out here what little is written of vowels: for it "خان" is "khn", and
"आरव" is "arv".
"""

import re
import unicodedata
from functools import cache
from pathlib import Path

from anyascii import anyascii

from triage.documents import Document, Text, read
from triage.reading import load_yaml

SCRIPTS = Path(__file__).parent / "data" / "scripts-1.yaml"

LETTERS = {
    "ا": "a", "ب": "b", "پ": "p", "ت": "t", "ٹ": "t", "ث": "s", "ج": "j", "چ": "ch", "ح": "h", "خ": "kh", "د": "d",
    "ڈ": "d", "ذ": "z", "ر": "r", "ڑ": "r", "ز": "z", "ژ": "zh", "س": "s", "ش": "sh", "ص": "s", "ض": "d", "ط": "t",
    "ظ": "z", "ع": "a", "غ": "gh", "ف": "f", "ق": "q", "ک": "k", "گ": "g", "ل": "l", "م": "m", "ن": "n", "ں": "n",
    "و": "u", "ہ": "h", "ی": "i", "ے": "e", "ڤ": "v", "ء": "",
    "א": "a", "ב": "b", "ג": "g", "ד": "d", "ה": "h", "ו": "o", "ז": "z", "ח": "h", "ט": "t", "י": "i", "כ": "k",
    "ל": "l", "מ": "m", "נ": "n", "ס": "s", "ע": "a", "פ": "p", "צ": "ts", "ק": "k", "ר": "r", "ש": "sh", "ת": "t",
}  # fmt: skip
# In front, these are consonants; at the end, an h stands for the vowel before it, and a p is an f.
IN_FRONT = {"و": "w", "ی": "y", "ו": "v", "י": "y"}
AT_THE_END = {"ہ": "ah", "ה": "ah", "פ": "f"}
# Letters that differ from one language, keyboard or place in the word to another.
ONE_LETTER = str.maketrans({
    "أ": "ا", "إ": "ا", "آ": "ا", "ٱ": "ا", "ى": "ی", "ي": "ی", "ې": "ی", "ئ": "ی", "ؤ": "و", "ك": "ک", "ة": "ہ",
    "ه": "ہ", "ۃ": "ہ", "ە": "ہ", "ۀ": "ہ", "ۂ": "ہ", "ھ": "ہ",
    "ך": "כ", "ם": "מ", "ן": "נ", "ף": "פ", "ץ": "צ", "׳": "", "״": "", "ـ": "",
})  # fmt: skip
# A word of Arabic or Hebrew letters, or one Korean syllable: a surname.
WORD = re.compile(
    "[\u0591-\u05f4\u0610-\u065f\u066e-\u06d5\u06fa-\u06ff\u0750-\u077f]+"
    "|(?<![\uac00-\ud7a3])[\uac00-\ud7a3](?![\uac00-\ud7a3])"
)
# A word in the letters of India or Sri Lanka. Each letter has its name in Unicode: DEVANAGARI LETTER SHA.
INDIAN = re.compile("[\u0900-\u0dff]+")
# Consonants that anyascii writes as others are written, with the last word of their names.
AS_WRITTEN_HERE = {"SHA": "sh", "SSA": "sh", "CA": "ch", "NGA": "ng"}
# Of these, the a after the consonant is not spoken.
WITHOUT_A = ("VOWEL SIGN", "VIRAMA", "AL-LAKUNA", "LENGTH MARK")
# In these, nor the a at the end of a word.
NOT_AT_THE_END = {"DEVANAGARI", "BENGALI", "GURMUKHI", "GUJARATI"}
# A nasal sound, written above the letter: as n, and before a p, b or m as m.
NASAL = ("ANUSVARA", "CANDRABINDU", "BINDI", "TIPPI")
# The Arabic article stands before its word, and "servant of" before that.
SERVANT_APART = re.compile(r"(?<!\w)عبد ال")
SERVANT_OF, ARTICLE = re.compile("عبدال(?=..)"), re.compile("ال(?=...)")


class Scripts(Document):
    """Names as they are written in other scripts: on each line, a name in Latin letters first."""

    names: tuple[Text, ...]


@cache
def _names() -> dict[str, str]:
    lines = (line.split() for line in read(Scripts, load_yaml(SCRIPTS.read_text(encoding="utf-8"))).names)
    return {_in_one_form(written): line[0] for line in lines for written in line[1:]}


def in_latin(text: str) -> str:
    """
    The text with its Arabic, Hebrew and Indian words in Latin letters: known names as they are spelt here, others by
    letters.

    >>> in_latin("علی खान")
    'ali khaan'
    """
    text = SERVANT_APART.sub("عبدال", text)
    text = INDIAN.sub(lambda match: _indian_word(match[0]), text)
    return WORD.sub(lambda match: _word(_in_one_form(match[0])), text)


def _word(word: str) -> str:
    names = _names()
    if known := names.get(word):
        return known
    for place in range(3, len(word) - 2):
        # Two names without a blank: محمدرضا is Mohammad Reza.
        if word[:place] in names and word[place:] in names:
            return f"{names[word[:place]]} {names[word[place:]]}"
    if match := SERVANT_OF.match(word):
        return f"abdul{_word(word[match.end() :])}"
    if match := ARTICLE.match(word):
        return f"al {_word(word[match.end() :])}"
    letters = [LETTERS.get(letter, letter) for letter in word]
    if word:
        letters[0] = IN_FRONT.get(word[0], letters[0])
    if len(word) > 2:
        letters[-1] = AT_THE_END.get(word[-1], letters[-1])
    return "".join(letters)


def _indian_word(word: str) -> str:
    """The word with the a that is spoken after each consonant, and is not written."""
    letters = [(letter, unicodedata.name(letter, "")) for letter in word if "NUKTA" not in unicodedata.name(letter, "")]
    following = [*letters[1:], ("", "")]
    return "".join(
        _indian_letter(*letter, *after) + _vowel_after(*letter, *after)
        for letter, after in zip(letters, following, strict=True)
    )


def _indian_letter(letter: str, name: str, after: str, _: str) -> str:
    if any(each in name for each in NASAL):
        return "m" if anyascii(after)[:1] in {"p", "b", "m"} else "n"
    return AS_WRITTEN_HERE.get(name.rsplit(" ")[-1], anyascii(letter)) if " LETTER " in name else anyascii(letter)


def _vowel_after(letter: str, name: str, after: str, next_name: str) -> str:
    is_consonant = " LETTER " in name and not {"CHILLU", "KHANDA"}.intersection(name.split())
    if not is_consonant or anyascii(letter)[:1] in {*"aeiou"} or any(each in next_name for each in WITHOUT_A):
        return ""
    return "a" if after or name.split()[0] not in NOT_AT_THE_END else ""


def _in_one_form(word: str) -> str:
    """A word without vowel signs, each letter in one form."""
    plain = "".join(letter for letter in word if unicodedata.category(letter) != "Mn")
    return plain.translate(ONE_LETTER)
