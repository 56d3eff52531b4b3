"""The service catalog as people look at it: shelves in order, and every item that ever was."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Self

from engine.declaration.models import CatalogItem, Category
from engine.errors import NotFound
from engine.findings import did_you_mean


@dataclass(frozen=True, slots=True)
class CategoryItems:
    """A category with what can be asked for from it, in the order of the names for people."""

    category: Category
    items: tuple[CatalogItem, ...]


@dataclass(frozen=True, slots=True)
class KnownItem:
    """An item of the catalog.

    Attributes:
        retired: it is declared no more; tickets that came from it still name it.

    """

    declared: CatalogItem
    retired: bool = False


@dataclass(frozen=True, slots=True)
class ServiceCatalog:
    """The catalog. A value: a change is a new one.

    Attributes:
        shelves: what can be asked for, in the order of the categories' names for people.
        items: every known item by name, retired ones included.

    """

    categories: tuple[CategoryItems, ...]
    items: Mapping[str, KnownItem]

    @classmethod
    def of(cls, categories: Iterable[Category], items: Iterable[KnownItem]) -> Self:
        """Return the catalog of the declared categories and of all items."""
        known = {item.declared.name: item for item in items}
        on: defaultdict[str, list[CatalogItem]] = defaultdict(list)
        for item in known.values():
            if not item.retired:
                on[item.declared.category].append(item.declared)
        shelves = (
            CategoryItems(category, tuple(sorted(on[category.name], key=name_for_people)))
            for category in sorted(categories, key=name_for_people)
        )
        return cls(tuple(shelves), MappingProxyType(known))

    def named(self, name: str) -> KnownItem:
        """Return the item of that name.

        Raises:
            NotFound: there is none; the near names are offered.

        """
        try:
            return self.items[name]
        except KeyError:
            raise unknown_item(name, self.items) from None


def name_for_people(declared: Category | CatalogItem) -> tuple[str, str]:
    """Return what the catalog is sorted by."""
    return declared.display_name.casefold(), declared.name


def unknown_item(name: str, known: Iterable[str]) -> NotFound:
    """Return the refusal of a request for an item that does not exist."""
    hint = did_you_mean(name, known)
    return NotFound(f"There is no catalog item named {name!r}.{hint}", item=name)
