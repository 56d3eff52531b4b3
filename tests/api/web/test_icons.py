"""Icons are inline SVG; an unknown name becomes a letter."""

from api.web.icons import icon, read_icons


def test_a_material_name_gives_its_shapes() -> None:
    drawn = icon("print")
    assert drawn.startswith('<svg class="icon" viewBox="0 0 24 24"')
    assert 'aria-hidden="true"' in drawn


def test_an_unknown_name_gives_an_initial() -> None:
    assert icon("no_such_icon", " <printer") == (
        '<span class="letter-tile" aria-hidden="true">&lt;</span>'
    )
    assert icon(None) == '<span class="letter-tile" aria-hidden="true">?</span>'


def test_no_icon_contains_a_script() -> None:
    for shapes in read_icons().values():
        assert "script" not in shapes
        assert " on" not in shapes
