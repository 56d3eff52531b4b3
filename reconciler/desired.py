"""What a declaration asks for, and where each of it is declared."""

from engine.findings import Location
from engine.workflows.documents import Declaration
from engine.workflows.resources import AUTO_CLOSE, Key, Kind


def places_of(declaration: Declaration) -> dict[Key, Location]:
    """Return where every declared resource stands; defaults that were only chosen stand nowhere."""
    ticketing, catalog = declaration.ticketing, declaration.ticketing.catalog
    lists = (
        (Kind.WORKFLOW, ("workflows",), [each.name for each in ticketing.workflows]),
        (Kind.CATEGORY, ("catalog", "categories"), [each.name for each in catalog.categories]),
        (Kind.ITEM, ("catalog", "items"), [each.name for each in catalog.items]),
        (Kind.SERVICE, ("services",), [each.path for each in ticketing.services]),
    )
    places = {
        Key(kind, name): declaration.place(*path, index)
        for kind, path, names in lists
        for index, name in enumerate(names)
    }
    return places | {Key(Kind.SETTING, AUTO_CLOSE): declaration.place("autoClose")}
