"""Who serves, in MLflow: the alias `champion`, and with each version since when it had it, and why.

MLflow changes one thing at a time, and a process may be killed between two. So what is to become
true is written down first, in the tag `changing` of the registered model, and whoever looks half a
minute later ends what was begun. An alias names one version at most: there is never a second
champion.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

from marketstream.champions import ChampionChanged
from marketstream.errors import InputError, NotFoundError

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion, RegisteredModel

CHAMPION: Final = "champion"
CHALLENGER: Final = "challenger"
_CHANGING = "changing"
_TERMS = "terms"
_RETIRED = "retired"
_A_PAGE = 1_000


class Term(msgspec.Struct, frozen=True, array_like=True):
    """Since when a version is the champion, and why."""

    since_ms: int
    why: str


class _Change(msgspec.Struct, frozen=True, array_like=True):
    version: str
    term: Term
    begun_ms: int


@dataclass(frozen=True, slots=True)
class Version:
    """A version of a registered model: when it became champion, and why it was retired."""

    version: str
    terms: tuple[Term, ...]
    retired: str | None

    @property
    def since_ms(self) -> int:
        """When it became champion for the last time, -1 where it never did."""
        return self.terms[-1].since_ms if self.terms else -1


class Roles:
    """The roles of registered models, by name; what MLflow raises is raised.

    A change that was begun less than `patience_ms` ago is taken to be under way.
    """

    def __init__(self, client: MlflowClient, patience_ms: int = 30_000) -> None:
        self._client = client
        self._patience_ms = patience_ms

    def champion(self, name: str) -> ModelVersion | None:
        """Return the version that serves; None where nothing is registered, or serves."""
        model = self._model(name)
        version = None if model is None else dict(model.aliases).get(CHAMPION)
        return None if version is None else self._client.get_model_version(name, str(version))

    def champions(self) -> dict[str, str]:
        """Return the versions that serve, of all registered models by name."""
        found = {}
        for model in self._pages():
            settled = self._settled(model)
            if CHAMPION in settled.aliases:
                found[settled.name] = str(settled.aliases[CHAMPION])
        return found

    def appoint(self, name: str, version: str, term: Term) -> None:
        """Make a version the champion, whoever was."""
        change = msgspec.json.encode(_Change(version, term, now_ms())).decode()
        self._client.set_registered_model_tag(name, _CHANGING, change)
        self._carry_out(name, version, term)

    def promote(self, name: str, version: str, term: Term) -> None:
        """Make a version the champion; InputError where there is none, or it was retired."""
        chosen = self.version(name, version)
        if chosen.retired is not None:
            raise InputError(
                f"{name} version {version} was retired ({chosen.retired}): name another"
            )
        self.appoint(name, version, term)

    def roll_back(self, name: str, term: Term) -> str:
        """Make whoever was champion before champion again; return which version that is."""
        serving = self.champion(name)
        earlier = [
            each
            for each in self.versions(name)
            if each.terms and each.retired is None
            if serving is None or each.version != str(serving.version)
        ]
        if not earlier:
            raise InputError(f"{name}: no other version was champion: name one with promote")
        before = max(earlier, key=lambda each: each.since_ms)
        self.appoint(name, before.version, term)
        return before.version

    def change(self, name: str, version: str | None, why: str) -> ChampionChanged:
        """Promote a version, or roll back where it is None, from now on."""
        champion = self.champion(name)
        before = None if champion is None else str(champion.version)
        term = Term(now_ms(), why)
        if version is None:
            version = self.roll_back(name, term)
        else:
            self.promote(name, version, term)
        return ChampionChanged(name, version, before, why)

    def retire(self, name: str, version: str, term: Term) -> str | None:
        """See to it that a version never serves again; return who serves in its place, if it did.

        A champion is rolled back first: InputError where there is nobody to follow it.
        """
        self.version(name, version)
        serving = self.champion(name)
        follows = None
        if serving is not None and str(serving.version) == version:
            follows = self.roll_back(name, term)
        self._client.set_model_version_tag(name, version, _RETIRED, term.why)
        if str(self._aliases(name).get(CHALLENGER)) == version:
            self._client.delete_registered_model_alias(name, CHALLENGER)
        return follows

    def versions(self, name: str) -> list[Version]:
        """Return all versions, the newest first; NotFoundError where nothing is registered."""
        if self._model(name) is None:
            raise NotFoundError(f"no model is registered as {name}: see realtime models list")
        token, found = None, []
        while token != "":
            page = self._client.search_model_versions(
                f"name = '{name}'", _A_PAGE, ["version_number DESC"], token
            )
            found += [_version(each) for each in page]
            token = page.token or ""
        return found

    def version(self, name: str, version: str) -> Version:
        """Return one version; NotFoundError where there is none, which names the newest."""
        every = self.versions(name)
        for each in every:
            if each.version == version:
                return each
        newest = ", ".join(each.version for each in every[:5])
        raise NotFoundError(f"{name} has no version {version}: the newest are {newest}")

    def _model(self, name: str) -> RegisteredModel | None:
        """Return a registered model, with what was begun of it ended; None where there is none."""
        from mlflow.exceptions import MlflowException

        try:
            model = self._client.get_registered_model(name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            return None
        return self._settled(model)

    def _settled(self, model: RegisteredModel) -> RegisteredModel:
        begun = dict(model.tags).get(_CHANGING)
        if begun is None:
            return model
        change = msgspec.json.decode(begun, type=_Change)
        if now_ms() - change.begun_ms < self._patience_ms:
            return model
        self._carry_out(model.name, change.version, change.term)
        return self._client.get_registered_model(model.name)

    def _carry_out(self, name: str, version: str, term: Term) -> None:
        """Do what was written down, or what is left of it."""
        terms = _version(self._client.get_model_version(name, version)).terms
        if term not in terms:
            said = msgspec.json.encode((*terms, term)).decode()
            self._client.set_model_version_tag(name, version, _TERMS, said)
        self._client.set_registered_model_alias(name, CHAMPION, version)
        if str(self._aliases(name).get(CHALLENGER)) == version:
            self._client.delete_registered_model_alias(name, CHALLENGER)
        self._client.delete_registered_model_tag(name, _CHANGING)

    def _aliases(self, name: str) -> dict[str, str]:
        return dict(self._client.get_registered_model(name).aliases)

    def _pages(self) -> Iterator[RegisteredModel]:
        token = None
        while token != "":
            page = self._client.search_registered_models(max_results=_A_PAGE, page_token=token)
            yield from page
            token = page.token or ""


def now_ms() -> int:
    """Return the time, in UTC."""
    return time.time_ns() // 1_000_000


def newest_term(version: ModelVersion) -> Term | None:
    """Return since when a version serves, None where nobody wrote that down."""
    terms = _version(version).terms
    return terms[-1] if terms else None


def _version(version: ModelVersion) -> Version:
    terms = msgspec.json.decode(version.tags.get(_TERMS, "[]"), type=tuple[Term, ...])
    return Version(str(version.version), terms, version.tags.get(_RETIRED))
