"""The service catalog: the declared categories with their items, and all items by name."""

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
    """A category with its active items, sorted by display name."""

    category: Category
    items: tuple[CatalogItem, ...]


@dataclass(frozen=True, slots=True)
class KnownItem:
    """An item of the catalog. A retired one is kept, because tickets refer to it."""

    declared: CatalogItem
    retired: bool = False


@dataclass(frozen=True, slots=True)
class ServiceCatalog:
    """The catalog.

    Attributes:
        categories: the declared categories, sorted by display name.
        items: all items by name, retired ones included.

    """

    categories: tuple[CategoryItems, ...]
    items: Mapping[str, KnownItem]

    @classmethod
    def of(cls, categories: Iterable[Category], items: Iterable[KnownItem]) -> Self:
        """Return the catalog of the declared categories and all items."""
        known = {item.declared.name: item for item in items}
        by_category: defaultdict[str, list[CatalogItem]] = defaultdict(list)
        for item in known.values():
            if not item.retired:
                by_category[item.declared.category].append(item.declared)
        with_items = (
            CategoryItems(each, tuple(sorted(by_category[each.name], key=_sort_key)))
            for each in sorted(categories, key=_sort_key)
        )
        return cls(tuple(with_items), MappingProxyType(known))

    def named(self, name: str) -> KnownItem:
        """Return a item by name; raise NotFound, with similar names, if it is unknown."""
        try:
            return self.items[name]
        except KeyError:
            raise unknown_item(name, self.items) from None


def _sort_key(declared: Category | CatalogItem) -> tuple[str, str]:
    return declared.display_name.casefold(), declared.name


def unknown_item(name: str, known: Iterable[str]) -> NotFound:
    """Return the error for an item that does not exist."""
    hint = did_you_mean(name, known)
    return NotFound(f"There is no catalog item named {name!r}.{hint}", item=name)
