"""The macros that draw fields: WTForms draws each control, so that every option of a field works."""

from typing import Any

import pytest
from flask import Flask
from lxml import html
from wtforms import DateField, IntegerField, SelectField, TelField
from wtforms.validators import Length, NumberRange

from tenant_portal.web import template_context
from tenant_portal.web.fields import MailAddressField, YesNoField
from tenant_portal.web.forms import PortalForm


class OddForm(PortalForm):
    """Fields that no page has yet, with options of theirs."""

    phone = TelField("Téléphone", [Length(max=20)], description="Dix chiffres.", render_kw={"data-country": "FR"})
    pets = IntegerField("Animaux", [NumberRange(0, 9)], default=2)
    since = DateField("Depuis", format="%d/%m/%Y", render_kw={"readonly": True})
    floor = SelectField("Étage", choices=["1", "2"])
    email = MailAddressField("Adresse", default='"><b>@free.fr')
    lift = YesNoField("Un ascenseur ?", "Répondez.", default=False)


def drawn(app: Flask, macro: str, name: str, **options: Any) -> Any:
    """Return what a macro draws for a field."""
    with app.test_request_context("/"):
        macros, form = template_context.names()["f"], OddForm(formdata=None)
        return html.fragment_fromstring(str(getattr(macros, macro)(form[name], **options)), create_parent=True)


@pytest.mark.parametrize(
    ("macro", "name", "tag", "attributes"),
    [
        ("text", "phone", "input", {"type": "tel", "data-country": "FR", "maxlength": "20", "value": ""}),
        ("number", "pets", "input", {"type": "number", "min": "0", "max": "9", "value": "2"}),
        ("text", "since", "input", {"type": "date", "readonly": "readonly"}),
        ("text", "floor", "select", {"name": "floor"}),
        ("mail", "email", "input", {"type": "email", "autocomplete": "email", "value": '"><b>@free.fr'}),
    ],
)
def test_every_option_of_a_field_reaches_its_control(
    app: Flask, macro: str, name: str, tag: str, attributes: dict[str, str]
) -> None:
    (control,) = drawn(app, macro, name).cssselect(f"{tag}#{name}")
    assert {key: control.get(key) for key in attributes} == attributes
    assert control.get("name") == name


def test_control_is_described_by_its_hint_and_by_what_a_page_adds(app: Flask) -> None:
    (control,) = drawn(app, "text", "phone", about="refus").cssselect("input")
    assert control.get("aria-describedby") == "phone-hint refus"
    assert control.get("aria-invalid") is None and control.get("required") is None


def test_answer_that_was_given_stays_chosen(app: Flask) -> None:
    field = drawn(app, "yes_no", "lift")
    assert [(c.get("value"), c.checked, c.get("name")) for c in field.cssselect("input")] == [
        ("oui", False, "lift"),
        ("non", True, "lift"),
    ]
    assert [label.text_content() for label in field.cssselect(".portal-boxes label")] == ["Oui", "Non"]
