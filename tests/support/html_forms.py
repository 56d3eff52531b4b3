"""The forms of a page, as a browser without scripts reads and sends them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Final

_TEXT_FIELDS: Final = frozenset({"input", "textarea", "select"})
_NOT_SENT: Final = frozenset({"checkbox", "radio", "file", "button", "submit"})
_Attributes = list[tuple[str, str | None]]


@dataclass(frozen=True)
class Submission:
    """What a click on an enabled button sends.

    Attributes:
        action: the path, and the fields that the page fills in.
        label: the text of the button.

    """

    action: str
    label: str
    fields: dict[str, str]


@dataclass
class _Form:
    action: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: list[tuple[str, str, list[str]]] = field(default_factory=list)


class _Forms(HTMLParser):
    """Collects the forms with the method POST, and the labels of disabled buttons."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[_Form] = []
        self.disabled: list[list[str]] = []
        self._form: _Form | None = None
        self._label: list[str] | None = None
        self._field = ""
        self._is_in_textarea = False

    def handle_starttag(self, tag: str, attrs: _Attributes) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            is_post = given.get("method") == "post"
            self._form = _Form(given.get("action", "")) if is_post else None
            if self._form:
                self.forms.append(self._form)
        elif self._form is None:
            return
        elif tag == "button":
            self._start_button(self._form, given)
        elif tag in _TEXT_FIELDS and given.get("type", "text") not in _NOT_SENT:
            self._field = given.get("name", "")
            self._form.fields[self._field] = given.get("value", "")
            self._is_in_textarea = tag == "textarea"
        elif tag == "option" and "selected" in given:
            self._form.fields[self._field] = given.get("value", "")

    def _start_button(self, form: _Form, given: Mapping[str, str]) -> None:
        self._label = []
        if "aria-disabled" in given or "disabled" in given:
            self.disabled.append(self._label)
        elif given.get("type", "submit") == "submit":
            form.buttons.append((given.get("name", ""), given.get("value", ""), self._label))

    def handle_data(self, data: str) -> None:
        if self._label is not None:
            self._label.append(data)
        elif self._form is not None and self._is_in_textarea:
            self._form.fields[self._field] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "button":
            self._label = None
        if tag == "textarea":
            self._is_in_textarea = False
        if tag == "form":
            self._form = None


@dataclass(frozen=True)
class PageForms:
    """The buttons of a page.

    Attributes:
        enabled: what each enabled button sends.
        disabled: the labels of the disabled buttons.

    """

    enabled: tuple[Submission, ...]
    disabled: tuple[str, ...]


def read_forms(page: str) -> PageForms:
    """Return the buttons of the forms of a page."""
    parser = _Forms()
    parser.feed(page)
    return PageForms(
        tuple(each for form in parser.forms for each in _submissions(form)),
        tuple("".join(text).strip() for text in parser.disabled),
    )


def _submissions(form: _Form) -> Iterator[Submission]:
    for name, value, text in form.buttons:
        sent = form.fields | ({name: value} if name else {})
        yield Submission(form.action, "".join(text).strip(), sent)
