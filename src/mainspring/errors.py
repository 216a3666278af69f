"""Every error Mainspring raises on purpose: typed facts with a stable code, no status and no wire names.

    MainspringError
    |- RequestError            10xx  what was asked cannot be read
    |  |- SyntaxInvalid        1001  |- BodyInvalid       1002  |- ValueInvalid      1003
    |  |- ValueOutOfRange      1004  |- LimitExceeded     1005  |- NotSupported      1006
    |  |- OperatorInvalid      1007  |- RelatedOrderInvalid 1008 |- MaxAffectedInvalid 1009
    |  `- NotGrouped           1010
    |- CatalogError            20xx  what was asked about does not exist
    |  |- TableUnknown         2001  |- ColumnUnknown     2002  |- RelationUnknown   2003
    |  |- RelationAmbiguous    2004  |- RoutineUnknown    2005  |- ConflictTargetUnknown 2006
    |  |- ColumnGenerated      2007  `- RoutineAmbiguous   2008
    |- IdentityError           30xx  who asks is not known
    |  |- TokenInvalid         3001  |- TokenExpired      3002  |- KeyMissing        3003
    |  |- TokenRequired        3004  `- TokenKeyMissing   3005
    |- AccessError             40xx  who asks may not
    |  |- PermissionDenied     4001  |- RowCheckViolated  4002  |- RoutineDenied     4003
    |  |- RoutineWrites        4004  |- Refusal           4005  `- RoutineFailed     4006
    |- ConstraintError         50xx  the data does not allow it
    |  |- UniqueViolated       5001  |- ForeignKeyViolated 5002 |- NotNullViolated   5003
    |  `- CheckViolated        5004
    |- ResultError             60xx  the answer is not what was asked for
    |  |- NotSingular          6001  |- RangeNotSatisfiable 6002 |- TooManyAffected   6003
    |  |- MediaUnavailable     6004  |- KeyMismatch       6005  |- ResponseHeadersInvalid 6006
    |  `- ResponseStatusInvalid 6007
    |- EngineError             70xx  the database could not answer
    |  |- EngineUnavailable    7001  |- TimedOut          7002  |- Busy              7003
    |  |- EngineFault          7004  `- DatabaseRefused    7005
    |- SignInError             80xx  a person cannot sign up, in or out
    |  |- CredentialsInvalid    8001 |- AddressUnconfirmed    8002 |- UserBanned            8003
    |  |- SignupDisabled        8004 |- MethodDisabled        8005 |- PasswordWeak          8006
    |  |- PasswordSame          8007 |- UserExists            8008 |- AddressTaken          8009
    |  |- AddressInvalid        8010 |- RefreshTokenUnknown   8011 |- RefreshTokenReused    8012
    |  |- SessionUnknown        8013 |- SessionExpired        8014 |- CodeInvalid           8015
    |  |- ReauthenticationNeeded8016 |- ReauthenticationInvalid8017 |- CurrentPasswordWrong  8018
    |  |- TooManyRequests       8019 |- SentTooSoon           8020 |- BearerMissing         8021
    |  |- AdministratorRequired 8022 |- SubjectMissing        8023 |- UserUnknown           8024
    |  |- FlowUnknown           8025 |- FlowExpired           8026 |- VerifierInvalid       8027
    |  |- Contended             8028 |- MessageUndelivered    8029 |- HookTimedOut          8040
    |  |- HookAnswerTooLarge    8041 |- HookAnswerNotJson     8042 |- HookFailed            8043
    |  |- VerificationRejected  8044 |- CaptchaFailed         8045 |- CaptchaUnchecked      8046
    |  |- ApiKeyUnknown         8060 |- FeatureDisabled       8061 |- ClientUnknown         8062
    |  |- ClientMismatch        8063 |- AuthorizationUnknown  8064 |- AuthorizationUsed     8065
    |  |- ConsentUnknown        8066 |- GrantInvalid          8067 |- ScopeInvalid          8068
    |  |- ProgramRefused        8069 |- SsoDisabled           8030 |- SsoProviderUnknown    8031
    |  |- SsoProviderTaken      8032 |- AssertionInvalid      8033 |- AssertionSilent       8034
    |  |- RelayStateUnknown     8035 |- ManagedElsewhere      8036 |- InvitationUnknown     8037
    |  |- InvitationForAnother  8038
    |  |- ProviderUnknown       8080 |- ProviderDisabled      8081 |- ProviderFailed        8082
    |  |- ProviderRefused       8083 |- StateUnknown          8084 |- CallbackIncomplete    8085
    |  |- IdTokenInvalid        8086 |- AddressMissing        8087 |- AddressUnverified     8088
    |  |- IdentityTaken         8089 |- IdentityUnknown       8090 |- IdentityLast          8091
    |  |- IdentityNeeded        8092 |- LinkingDisabled       8093 |- WalletDisabled        8094
    |  |- WalletRefused         8095 |- WalletMessageInvalid  8096 |- CustomProviderUnknown 8097
    |  |- CustomProviderTaken   8098 |- CustomProvidersFull   8099
    |  |- AnonymousRefused      8070 |- AssuranceTooLow       8071 |- FactorUnknown         8072
    |  |- FactorNameTaken       8073 |- TooManyFactors        8074 |- FactorDisabled        8075
    |  |- ChallengeElsewhere    8076 |- ChallengeExpired      8077 |- ProofInvalid          8078
    |  |- FactorExists          8079 |- PasskeysDisabled      8050 |- PasskeyUnknown        8051
    |  |- TooManyPasskeys       8052 |- PasskeyTaken          8053 |- CeremonyUnknown       8054
    |  |- CeremonyExpired       8055 `- CeremonyFailed        8056
    `- ConfigError             90xx  the process must not start

The first two digits are the family; a leaf's number never changes its meaning. `message` says what went wrong, `hint` how
to mend it; neither ever holds an internal. Surfaces map a leaf to their own status and code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, dataclass_transform

_REQUIRED: Final = object()


@dataclass_transform(eq_default=False)
class MainspringError(Exception):
    """Base of all. `code` is stable; `message`, `details` and `hint` are for people.

    The annotated names of a leaf are its facts, given by place or by name as to a dataclass, which takes far longer to make.
    """

    code: ClassVar[str] = "MS0000"
    _facts: ClassVar[Mapping[str, Any]] = {}

    def __init_subclass__(cls) -> None:
        said = {name: cls.__dict__.get(name, _REQUIRED) for name, kind in cls.__annotations__.items() if "ClassVar" not in kind}
        cls._facts = {**cls._facts, **said}
        cls.__match_args__ = tuple(cls._facts)  # type: ignore[attr-defined,misc]  # what a case may name by place

    def __init__(self, *given: Any, **named: Any) -> None:
        facts = self._facts
        values = {**facts, **dict(zip(facts, given, strict=False)), **named}
        if len(given) > len(facts) or values.keys() != facts.keys() or _REQUIRED in values.values():
            raise TypeError(f"{type(self).__name__} takes {', '.join(facts) or 'nothing'}")
        self.__dict__.update(values)
        super().__init__(self.message)

    def facts(self) -> dict[str, Any]:
        """What it knows, by name."""
        return {name: getattr(self, name) for name in self._facts}

    @property
    def message(self) -> str:
        """What went wrong, in one sentence."""
        return "Something went wrong"

    @property
    def details(self) -> str | None:
        """More facts, where there are any."""
        return None

    @property
    def hint(self) -> str | None:
        """How to mend it, where that is known."""
        return None


# ---------------------------------------------------------------- 10xx request


class RequestError(MainspringError):
    """What was asked cannot be read or is out of bounds."""

    code: ClassVar[str] = "MS1000"


class SyntaxInvalid(RequestError):
    """A piece of the request is not in the grammar. `part` names where, `text` is what was read."""

    code: ClassVar[str] = "MS1001"
    part: str
    text: str
    position: int | None = None
    expected: str | None = None

    @property
    def message(self) -> str:
        return f"failed to parse {self.part} ({shorten(self.text)})"

    @property
    def details(self) -> str | None:
        place = "" if self.position is None else f" at character {self.position + 1}"
        return f"expected {self.expected}{place}" if self.expected else (place.strip() or None)


class BodyInvalid(RequestError):
    """The body is not what the request says or needs."""

    code: ClassVar[str] = "MS1002"
    reason: str
    where: str | None = None

    @property
    def message(self) -> str:
        return self.reason

    @property
    def details(self) -> str | None:
        return self.where


class ValueInvalid(RequestError):
    """A value has not the form of its type."""

    code: ClassVar[str] = "MS1003"
    type: str
    value: str
    where: str | None = None
    reason: str | None = None

    @property
    def message(self) -> str:
        return f'invalid input syntax for type {self.type}: "{shorten(self.value)}"'

    @property
    def details(self) -> str | None:
        return "; ".join(part for part in (self.where, self.reason) if part) or None


class ValueOutOfRange(RequestError):
    """A value has the form of its type but does not fit it."""

    code: ClassVar[str] = "MS1004"
    type: str
    value: str
    where: str | None = None
    reason: str | None = None

    @property
    def message(self) -> str:
        return f'value "{shorten(self.value)}" is out of range for type {self.type}'

    @property
    def details(self) -> str | None:
        return "; ".join(part for part in (self.where, self.reason) if part) or None


class LimitExceeded(RequestError):
    """The request is larger, deeper or longer than this server takes."""

    code: ClassVar[str] = "MS1005"
    what: str
    limit: int
    unit: str = ""
    too_large_body: bool = False

    @property
    def message(self) -> str:
        return f"{self.what} exceeds the limit of {self.limit} {self.unit}".rstrip()


class NotSupported(RequestError):
    """Understood, but not offered (here, or by this engine)."""

    code: ClassVar[str] = "MS1006"
    feature: str
    by: str | None = None
    instead: str | None = None

    @property
    def message(self) -> str:
        return f"{self.feature} is not supported" + (f" by {self.by}" if self.by else "")

    @property
    def hint(self) -> str | None:
        return self.instead


class OperatorInvalid(RequestError):
    """An operator that does not exist, or not for this type."""

    code: ClassVar[str] = "MS1007"
    operator: str
    type: str | None = None
    suggestion: str | None = None

    @property
    def message(self) -> str:
        if self.type:
            return f"operator {self.operator} does not exist for type {self.type}"
        return f'unknown operator "{shorten(self.operator)}"'

    @property
    def hint(self) -> str | None:
        return f"Perhaps you meant the operator '{self.suggestion}'" if self.suggestion else None


class RelatedOrderInvalid(RequestError):
    """A table is to be ordered by a related one of which it can have several rows."""

    code: ClassVar[str] = "MS1008"
    source: str
    target: str

    @property
    def message(self) -> str:
        return f"A related order on '{self.target}' is not possible"

    @property
    def details(self) -> str | None:
        return f"'{self.source}' and '{self.target}' do not form a many-to-one or one-to-one relationship"


class MaxAffectedInvalid(RequestError):
    """A bound on affected rows was given to a function that answers a single value."""

    code: ClassVar[str] = "MS1009"

    @property
    def message(self) -> str:
        return "Function must return SETOF or TABLE when max-affected preference is used with handling=strict"


class NotGrouped(RequestError):
    """Groups are to be ordered by a column that is not one of those they are made by."""

    code: ClassVar[str] = "MS1010"
    table: str
    column: str

    @property
    def message(self) -> str:
        return f'column "{self.table}.{self.column}" must be selected or be used in an aggregate function'

    @property
    def hint(self) -> str | None:
        return "Order groups by what is selected, or by an aggregate such as count()."


class SearchInvalid(RequestError):
    """A full-text search query is not well-formed."""

    code: ClassVar[str] = "MS1011"
    problem: str
    query: str | None = None

    @property
    def message(self) -> str:
        return self.problem if self.query is None else f'{self.problem}: "{shorten(self.query)}"'


class SearchConfigUnknown(RequestError):
    """The database has no text search configuration of that name."""

    code: ClassVar[str] = "MS1012"
    config: str

    @property
    def message(self) -> str:
        return f'text search configuration "{shorten(self.config)}" does not exist'


# ---------------------------------------------------------------- 20xx catalog


class CatalogError(MainspringError):
    """A name that the catalog (as this caller may see it) does not hold."""

    code: ClassVar[str] = "MS2000"


class TableUnknown(CatalogError):
    """No such table."""

    code: ClassVar[str] = "MS2001"
    schema: str
    table: str
    suggestion: str | None = None

    @property
    def message(self) -> str:
        return f"Could not find the table '{self.schema}.{shorten(self.table)}' in the schema cache"

    @property
    def hint(self) -> str | None:
        return f"Perhaps you meant the table '{self.schema}.{self.suggestion}'" if self.suggestion else None


class ColumnUnknown(CatalogError):
    """No such column. `writing` tells whether it was named as a target of a write."""

    code: ClassVar[str] = "MS2002"
    table: str
    column: str
    suggestion: str | None = None
    writing: bool = False

    @property
    def message(self) -> str:
        if self.writing:
            return f"Could not find the '{shorten(self.column)}' column of '{self.table}' in the schema cache"
        return f"column {self.table}.{shorten(self.column)} does not exist"

    @property
    def hint(self) -> str | None:
        return f"Perhaps you meant the column '{self.suggestion}'" if self.suggestion else None


class RelationUnknown(CatalogError):
    """No foreign key joins the two."""

    code: ClassVar[str] = "MS2003"
    schema: str
    source: str
    target: str
    using: str | None = None
    suggestion: str | None = None

    @property
    def message(self) -> str:
        return f"Could not find a relationship between '{self.source}' and '{shorten(self.target)}' in the schema cache"

    @property
    def details(self) -> str | None:
        using = f" using the hint '{shorten(self.using)}'" if self.using else ""
        return (
            f"Searched for a foreign key relationship between '{self.source}' and '{shorten(self.target)}'"
            f"{using} in the schema '{self.schema}', but no matches were found."
        )

    @property
    def hint(self) -> str | None:
        return f"Perhaps you meant '{self.suggestion}' instead of '{shorten(self.target)}'." if self.suggestion else None


@dataclass(frozen=True, slots=True)
class Candidate:
    """One of several relations that fit."""

    cardinality: str
    relationship: str
    embedding: str
    hint: str


class RelationAmbiguous(CatalogError):
    """More than one relation joins the two."""

    code: ClassVar[str] = "MS2004"
    source: str
    target: str
    candidates: tuple[Candidate, ...] = ()

    @property
    def message(self) -> str:
        return f"Could not embed because more than one relationship was found for '{self.source}' and '{self.target}'"

    @property
    def hint(self) -> str | None:
        options = ", ".join(f"'{candidate.hint}'" for candidate in self.candidates)
        return (
            f"Try changing '{self.target}' to one of the following: {options}. "
            "Find the desired relationship in the 'details' key."
        )


class RoutineUnknown(CatalogError):
    """No such function, or none that takes these arguments.

    `arguments` are the names given (None: none were looked at), `unnamed` the type of the one unnamed parameter that would also
    have done, `suggestion` what was perhaps meant.
    """

    code: ClassVar[str] = "MS2005"
    schema: str
    routine: str
    suggestion: str | None = None
    arguments: tuple[str, ...] = ()
    unnamed: str | None = None
    only_unnamed: bool = False

    @property
    def _name(self) -> str:
        return f"{self.schema}.{shorten(self.routine)}"

    @property
    def message(self) -> str:
        if self.only_unnamed:
            return f"Could not find the function {self._name} in the schema cache"
        given = ", ".join(map(shorten, self.arguments))
        return f"Could not find the function {self._name}{f'({given})' if given else ' without parameters'} in the schema cache"

    @property
    def details(self) -> str | None:
        named = f" with parameter{'s' if len(self.arguments) > 1 else ''} {', '.join(map(shorten, self.arguments))}"
        named = named if self.arguments else " without parameters"
        unnamed = f" with a single unnamed {self.unnamed} parameter" if self.unnamed else ""
        how = unnamed if self.only_unnamed else named + (f" or{unnamed}" if unnamed else "")
        return f"Searched for the function {self._name}{how}, but no matches were found in the schema cache."

    @property
    def hint(self) -> str | None:
        return f"Perhaps you meant to call the function {self.suggestion}" if self.suggestion else None


class RoutineAmbiguous(CatalogError):
    """Several overloads of a function take the arguments given."""

    code: ClassVar[str] = "MS2008"
    candidates: tuple[str, ...]

    @property
    def message(self) -> str:
        return f"Could not choose the best candidate function between: {', '.join(self.candidates)}"

    @property
    def hint(self) -> str | None:
        return "Try renaming the parameters or the function itself in the database so function overloading can be resolved"


class ConflictTargetUnknown(CatalogError):
    """The conflict columns are no unique key of the table."""

    code: ClassVar[str] = "MS2006"
    columns: tuple[str, ...]

    @property
    def message(self) -> str:
        return "there is no unique or exclusion constraint matching the ON CONFLICT specification"


class ColumnGenerated(CatalogError):
    """A column that the database computes, named as a target of a write."""

    code: ClassVar[str] = "MS2007"
    table: str
    column: str

    @property
    def message(self) -> str:
        return f'cannot insert a non-DEFAULT value into column "{self.column}"'

    @property
    def details(self) -> str | None:
        return f'Column "{self.column}" is a generated column.'


# ---------------------------------------------------------------- 30xx identity


class IdentityError(MainspringError):
    """Who asks could not be established."""

    code: ClassVar[str] = "MS3000"


class TokenInvalid(IdentityError):
    """A token that is not ours, not whole or not meant for us. `claims`: it is whole, but what it claims does not hold."""

    code: ClassVar[str] = "MS3001"
    reason: str
    more: str | None = None
    claims: bool = False

    @property
    def message(self) -> str:
        return self.reason

    @property
    def details(self) -> str | None:
        return self.more


class TokenExpired(IdentityError):
    """A token that was good once."""

    code: ClassVar[str] = "MS3002"

    @property
    def message(self) -> str:
        return "JWT expired"


class KeyMissing(IdentityError):
    """No key at all, where one is required."""

    code: ClassVar[str] = "MS3003"

    @property
    def message(self) -> str:
        return "No API key found in request"

    @property
    def hint(self) -> str | None:
        return "Send the anon key in the `apikey` header; `mainspring keys` prints it."


class TokenRequired(IdentityError):
    """Nobody may come without a token."""

    code: ClassVar[str] = "MS3004"

    @property
    def message(self) -> str:
        return "Anonymous access is disabled"


class TokenKeyMissing(IdentityError):
    """A token came, and the server has no key to check one with."""

    code: ClassVar[str] = "MS3005"

    @property
    def message(self) -> str:
        return "Server lacks JWT secret"


# ---------------------------------------------------------------- 40xx access


class AccessError(MainspringError):
    """Who asks may not. `anonymous` tells surfaces whether signing in could help."""

    code: ClassVar[str] = "MS4000"


class PermissionDenied(AccessError):
    """No privilege on the table (or on the column named)."""

    code: ClassVar[str] = "MS4001"
    table: str
    column: str | None = None
    anonymous: bool = False

    @property
    def message(self) -> str:
        if self.column:
            return f"permission denied for column {self.column} of table {self.table}"
        return f"permission denied for table {self.table}"


class RowCheckViolated(AccessError):
    """A row that a policy does not let the caller write."""

    code: ClassVar[str] = "MS4002"
    table: str
    existing: bool = False
    anonymous: bool = False

    @property
    def message(self) -> str:
        which = " (USING expression)" if self.existing else ""
        return f'new row violates row-level security policy{which} for table "{self.table}"'


class RoutineDenied(AccessError):
    """The caller may not call this function. `anonymous`: signing in could help."""

    code: ClassVar[str] = "MS4003"
    routine: str
    anonymous: bool = False

    @property
    def message(self) -> str:
        return f"permission denied for function {shorten(self.routine)}"


class RoutineWrites(AccessError):
    """A function that may change something was called in a way that must not."""

    code: ClassVar[str] = "MS4004"
    routine: str

    @property
    def message(self) -> str:
        return f"cannot execute {shorten(self.routine)} in a read-only transaction"

    @property
    def hint(self) -> str | None:
        return "Call it with POST."


class Refusal(AccessError):
    """What a function of the application's refuses: raise it there, and the client reads it.

    `text`, `more` and `cure` are message, details and hint, `reason` a code of the application's own, `status` HTTP's.
    """

    code: ClassVar[str] = "MS4005"
    text: str
    reason: str = "P0001"
    more: str | None = None
    cure: str | None = None
    status: int = 400

    @property
    def message(self) -> str:
        return self.text

    @property
    def details(self) -> str | None:
        return self.more

    @property
    def hint(self) -> str | None:
        return self.cure


class RoutineFailed(AccessError):
    """A function of the application's raised what it should not have."""

    code: ClassVar[str] = "MS4006"
    routine: str

    @property
    def message(self) -> str:
        return f"The function {shorten(self.routine)} failed"


# ---------------------------------------------------------------- 50xx constraints


class ConstraintError(MainspringError):
    """A constraint of the data refused the write; nothing of it was kept."""

    code: ClassVar[str] = "MS5000"
    table: str | None = None
    constraint: str | None = None
    columns: tuple[str, ...] = ()


class UniqueViolated(ConstraintError):
    """A key that is taken."""

    code: ClassVar[str] = "MS5001"

    @property
    def message(self) -> str:
        return f'duplicate key value violates unique constraint "{self.constraint}"'

    @property
    def details(self) -> str | None:
        return f"Key ({', '.join(self.columns)}) already exists." if self.columns else None


class ForeignKeyViolated(ConstraintError):
    """A reference to nothing, or a row that is still referred to."""

    code: ClassVar[str] = "MS5002"

    @property
    def message(self) -> str:
        on = f' on table "{self.table}"' if self.table else ""
        which = f' "{self.constraint}"' if self.constraint else ""
        return f"insert, update or delete{on} violates foreign key constraint{which}"


class NotNullViolated(ConstraintError):
    """A null where none may be."""

    code: ClassVar[str] = "MS5003"

    @property
    def message(self) -> str:
        column = self.columns[0] if self.columns else "?"
        return f'null value in column "{column}" of relation "{self.table}" violates not-null constraint'


class CheckViolated(ConstraintError):
    """A row that a check constraint refuses."""

    code: ClassVar[str] = "MS5004"

    @property
    def message(self) -> str:
        return f'new row for relation "{self.table}" violates check constraint "{self.constraint}"'


# ---------------------------------------------------------------- 60xx result


class ResultError(MainspringError):
    """The answer exists, but not in the form asked for; a write is undone."""

    code: ClassVar[str] = "MS6000"


class NotSingular(ResultError):
    """One row was asked for, another number was found."""

    code: ClassVar[str] = "MS6001"
    count: int

    @property
    def message(self) -> str:
        return "Cannot coerce the result to a single JSON object"

    @property
    def details(self) -> str | None:
        return f"The result contains {self.count} rows"


class TooManyAffected(ResultError):
    """More rows would have changed than the client allows; nothing has."""

    code: ClassVar[str] = "MS6003"
    count: int

    @property
    def message(self) -> str:
        return "Query result exceeds max-affected preference constraint"

    @property
    def details(self) -> str | None:
        return f"The query affects {self.count} rows"


class RangeNotSatisfiable(ResultError):
    """The page asked for begins past the end."""

    code: ClassVar[str] = "MS6002"
    offset: int
    total: int | None = None
    reason: str | None = None

    @property
    def message(self) -> str:
        return "Requested range not satisfiable"

    @property
    def details(self) -> str | None:
        return self.reason or (f"An offset of {self.offset} was requested, but there are only {self.total} rows.")


class MediaUnavailable(ResultError):
    """The answer cannot be had in any of the media types asked for."""

    code: ClassVar[str] = "MS6004"
    media: tuple[str, ...]
    reason: str | None = None
    instead: str | None = None

    @property
    def message(self) -> str:
        return f"None of these media types are available: {', '.join(map(shorten, self.media))}"

    @property
    def details(self) -> str | None:
        return self.reason

    @property
    def hint(self) -> str | None:
        return self.instead


class KeyMismatch(ResultError):
    """The row that was sent is not the one that the address names."""

    code: ClassVar[str] = "MS6005"

    @property
    def message(self) -> str:
        return "Payload values do not match URL in primary key column(s)"


class ResponseHeadersInvalid(ResultError):
    """The headers that the database set for its answer are not a list of objects with one name and value each."""

    code: ClassVar[str] = "MS6006"

    @property
    def message(self) -> str:
        return "response.headers guc must be a JSON array composed of objects with a single key and a string value"


class ResponseStatusInvalid(ResultError):
    """The status that the database set for its answer is not one."""

    code: ClassVar[str] = "MS6007"

    @property
    def message(self) -> str:
        return "response.status guc must be a valid status code"


# ---------------------------------------------------------------- 70xx engine


class EngineError(MainspringError):
    """The database could not answer; the cause is logged, never shown."""

    code: ClassVar[str] = "MS7000"


class EngineUnavailable(EngineError):
    """Not reachable, or shutting down."""

    code: ClassVar[str] = "MS7001"

    @property
    def message(self) -> str:
        return "The database is not available"


class TimedOut(EngineError):
    """Took longer than allowed."""

    code: ClassVar[str] = "MS7002"
    seconds: float

    @property
    def message(self) -> str:
        return "canceling statement due to statement timeout"

    @property
    def hint(self) -> str | None:
        return f"The limit is {self.seconds:g} s; narrow the filter, add an index or ask for a smaller page."


class Busy(EngineError):
    """Too much is waiting already; trying again later helps."""

    code: ClassVar[str] = "MS7003"
    what: str = "The server"

    @property
    def message(self) -> str:
        return f"{self.what} is busy"

    @property
    def hint(self) -> str | None:
        return "Try again in a moment."


class EngineFault(EngineError):
    """Something the engine's fault table does not know. A defect of ours."""

    code: ClassVar[str] = "MS7004"

    @property
    def message(self) -> str:
        return "The database refused the statement"


class DatabaseRefused(EngineError):
    """What a database that authorises by itself has to say (database mode): it is for the client to read.

    `sqlstate` is the database's own code; `text`, `more` and `cure` its message, detail and hint; `anonymous`: nobody signed in.
    """

    code: ClassVar[str] = "MS7005"
    sqlstate: str
    text: str
    more: str | None = None
    cure: str | None = None
    anonymous: bool = False

    @property
    def message(self) -> str:
        return self.text

    @property
    def details(self) -> str | None:
        return self.more

    @property
    def hint(self) -> str | None:
        return self.cure


# ---------------------------------------------------------------- 80xx signing in


class SignInError(MainspringError):
    """A person cannot sign up, in or out, or change what is known of them."""

    code: ClassVar[str] = "MS8000"


class CredentialsInvalid(SignInError):
    """Address and password do not belong together."""

    code: ClassVar[str] = "MS8001"

    @property
    def message(self) -> str:
        return "Invalid login credentials"


class AddressUnconfirmed(SignInError):
    """The address has not been confirmed yet."""

    code: ClassVar[str] = "MS8002"
    kind: str = "email"

    @property
    def message(self) -> str:
        return f"{self.kind.capitalize()} not confirmed"


class UserBanned(SignInError):
    """The user may not sign in for a while."""

    code: ClassVar[str] = "MS8003"

    @property
    def message(self) -> str:
        return "User is banned"


class SignupDisabled(SignInError):
    """Nobody new may sign up; `by_code`: not by asking for a code either."""

    code: ClassVar[str] = "MS8004"
    by_code: bool = False

    @property
    def message(self) -> str:
        return "Signups not allowed for otp" if self.by_code else "Signups not allowed for this instance"


class MethodDisabled(SignInError):
    """This way of signing in (email, phone, anonymous) is switched off."""

    code: ClassVar[str] = "MS8005"
    method: str
    what: str = "signups"

    @property
    def message(self) -> str:
        if self.method == "anonymous":
            return "Anonymous sign-ins are disabled"
        return f"{self.method.capitalize()} {self.what} are disabled"


class PasswordWeak(SignInError):
    """A password that is too easily guessed. `reasons`: length, characters, pwned."""

    code: ClassVar[str] = "MS8006"
    reasons: tuple[str, ...]
    text: str

    @property
    def message(self) -> str:
        return self.text


class PasswordSame(SignInError):
    """The new password is the old one."""

    code: ClassVar[str] = "MS8007"

    @property
    def message(self) -> str:
        return "New password should be different from the old password."


class UserExists(SignInError):
    """Somebody has signed up with this address."""

    code: ClassVar[str] = "MS8008"

    @property
    def message(self) -> str:
        return "User already registered"


class AddressTaken(SignInError):
    """The address is another user's."""

    code: ClassVar[str] = "MS8009"
    kind: str = "email"

    @property
    def message(self) -> str:
        return f"A user with this {'email address' if self.kind == 'email' else 'phone number'} has already been registered"


class AddressInvalid(SignInError):
    """What should be an e-mail address or a phone number is none."""

    code: ClassVar[str] = "MS8010"
    kind: str = "email"

    @property
    def message(self) -> str:
        if self.kind == "phone":
            return "Invalid phone number format (E.164 required)"
        return "Unable to validate email address: invalid format"


class RefreshTokenUnknown(SignInError):
    """A refresh token that was never issued."""

    code: ClassVar[str] = "MS8011"

    @property
    def message(self) -> str:
        return "Invalid Refresh Token: Refresh Token Not Found"


class RefreshTokenReused(SignInError):
    """A refresh token that was used before; its session has been ended."""

    code: ClassVar[str] = "MS8012"

    @property
    def message(self) -> str:
        return "Invalid Refresh Token: Already Used"


class SessionUnknown(SignInError):
    """The session has been ended. `refreshing`: a refresh token belongs to it."""

    code: ClassVar[str] = "MS8013"
    refreshing: bool = False

    @property
    def message(self) -> str:
        if self.refreshing:
            return "Invalid Refresh Token: No Valid Session Found"
        return "Session from session_id claim in JWT does not exist"


class SessionExpired(SignInError):
    """The session has lasted as long as it may."""

    code: ClassVar[str] = "MS8014"
    reason: str = ""

    @property
    def message(self) -> str:
        return "Invalid Refresh Token: Session Expired" + (f" ({self.reason})" if self.reason else "")


class CodeInvalid(SignInError):
    """A code or link that was never sent, has been used or is too old."""

    code: ClassVar[str] = "MS8015"
    link: bool = False

    @property
    def message(self) -> str:
        return "Email link is invalid or has expired" if self.link else "Token has expired or is invalid"


class ReauthenticationNeeded(SignInError):
    """The password may be changed only with a code that was just sent."""

    code: ClassVar[str] = "MS8016"

    @property
    def message(self) -> str:
        return "Password update requires reauthentication"


class ReauthenticationInvalid(SignInError):
    """The code that was to prove who changes the password does not."""

    code: ClassVar[str] = "MS8017"

    @property
    def message(self) -> str:
        return "Nonce has expired or is invalid"


class CurrentPasswordWrong(SignInError):
    """The password may be changed only by who knows it. `given`: it was wrong, not missing."""

    code: ClassVar[str] = "MS8018"
    given: bool

    @property
    def message(self) -> str:
        return "Current password is incorrect" if self.given else "Current password is required"


class TooManyRequests(SignInError):
    """Too many requests (`what`: request, email or sms) in too short a time."""

    code: ClassVar[str] = "MS8019"
    what: str
    seconds: float

    @property
    def message(self) -> str:
        named = "SMS" if self.what == "sms" else self.what
        return "Request rate limit reached" if self.what == "request" else f"{named} rate limit exceeded"


class SentTooSoon(SignInError):
    """The same message (`what`: email or sms) was sent moments ago."""

    code: ClassVar[str] = "MS8020"
    seconds: float
    what: str = "email"

    @property
    def message(self) -> str:
        return f"For security purposes, you can only request this after {max(1, round(self.seconds))} seconds."


class BearerMissing(SignInError):
    """The request names no user."""

    code: ClassVar[str] = "MS8021"

    @property
    def message(self) -> str:
        return "This endpoint requires a valid Bearer token"


class AdministratorRequired(SignInError):
    """Only the service key may."""

    code: ClassVar[str] = "MS8022"

    @property
    def message(self) -> str:
        return "User not allowed"


class SubjectMissing(SignInError):
    """The token stands for nobody."""

    code: ClassVar[str] = "MS8023"

    @property
    def message(self) -> str:
        return "invalid claim: missing sub claim"


class UserUnknown(SignInError):
    """No such user. `claimed`: a token says there is."""

    code: ClassVar[str] = "MS8024"
    claimed: bool = False

    @property
    def message(self) -> str:
        return "User from sub claim in JWT does not exist" if self.claimed else "User not found"


class FlowUnknown(SignInError):
    """The code that ends a sign-in was never issued, or has been used."""

    code: ClassVar[str] = "MS8025"

    @property
    def message(self) -> str:
        return "invalid flow state, no valid flow state found"


class FlowExpired(SignInError):
    """The code that ends a sign-in is too old."""

    code: ClassVar[str] = "MS8026"

    @property
    def message(self) -> str:
        return "invalid flow state, flow state has expired"


class VerifierInvalid(SignInError):
    """The verifier is not that of the challenge with which the sign-in began."""

    code: ClassVar[str] = "MS8027"

    @property
    def message(self) -> str:
        return "code challenge does not match previously saved code verifier"


class Contended(SignInError):
    """Others changed the same thing at the same time, again and again."""

    code: ClassVar[str] = "MS8028"

    @property
    def message(self) -> str:
        return "Too many concurrent requests for the same session or user"


class MessageUndelivered(SignInError):
    """A message (`what`: email or sms) could not be handed over."""

    code: ClassVar[str] = "MS8029"
    kind: str
    what: str = "email"

    @property
    def message(self) -> str:
        return f"Error sending {self.kind} OTP to provider" if self.what == "sms" else f"Error sending {self.kind} email"


class HookTimedOut(SignInError):
    """A hook of the application's did not answer in time; `retried`: it could not be reached, again and again."""

    code: ClassVar[str] = "MS8040"
    seconds: float
    retried: bool = False

    @property
    def message(self) -> str:
        if self.retried:
            return "Failed to reach hook after maximum retries"
        return f"Failed to reach hook within maximum time of {self.seconds:f} seconds"


class HookAnswerTooLarge(SignInError):
    """A hook of the application's answered more than may be read."""

    code: ClassVar[str] = "MS8041"
    most: int

    @property
    def message(self) -> str:
        return f"Payload size exceeded size limit of {self.most} bytes"


class HookAnswerNotJson(SignInError):
    """A hook of the application's answered in another form than JSON."""

    code: ClassVar[str] = "MS8042"
    form: str

    @property
    def message(self) -> str:
        if not self.form:
            return "Invalid Content-Type: Missing Content-Type header"
        return f"Invalid JSON response. Received content-type: {shorten(self.form, 100)}"


class HookFailed(SignInError):
    """A hook of the application's failed, or answered what makes no sense. `why` is for the log."""

    code: ClassVar[str] = "MS8043"
    why: str

    @property
    def message(self) -> str:
        return "A hook failed"


class VerificationRejected(SignInError):
    """A hook of the application's lets nobody try a password, or with `factor` a factor, any more."""

    code: ClassVar[str] = "MS8044"
    text: str
    factor: bool = False

    @property
    def message(self) -> str:
        what = "MFA" if self.factor else "password"
        return self.text or f"Further {what} verification attempts will be rejected."


class CaptchaFailed(SignInError):
    """Nothing shows that a person asks."""

    code: ClassVar[str] = "MS8045"
    why: str

    @property
    def message(self) -> str:
        return f"captcha protection: request disallowed ({self.why})"


class CaptchaUnchecked(SignInError):
    """Whether a person asks could not be found out."""

    code: ClassVar[str] = "MS8046"

    @property
    def message(self) -> str:
        return "captcha verification process failed"


class ApiKeyUnknown(SignInError):
    """No such API key."""

    code: ClassVar[str] = "MS8060"

    @property
    def message(self) -> str:
        return "API key not found"


class FeatureDisabled(SignInError):
    """A part of the auth service that is switched off."""

    code: ClassVar[str] = "MS8061"
    what: str

    @property
    def message(self) -> str:
        return f"{self.what} is disabled"


class ClientUnknown(SignInError):
    """No such program that people sign in to."""

    code: ClassVar[str] = "MS8062"

    @property
    def message(self) -> str:
        return "OAuth client not found"


class ClientMismatch(SignInError):
    """The refresh token was given to somebody else."""

    code: ClassVar[str] = "MS8063"

    @property
    def message(self) -> str:
        return "Client does not match the session's OAuth client"


class AuthorizationUnknown(SignInError):
    """No such request of a program, or somebody else's, or too old."""

    code: ClassVar[str] = "MS8064"

    @property
    def message(self) -> str:
        return "authorization not found"


class AuthorizationUsed(SignInError):
    """The request of a program has been answered."""

    code: ClassVar[str] = "MS8065"

    @property
    def message(self) -> str:
        return "authorization request is no longer pending"


class ConsentUnknown(SignInError):
    """Nothing is allowed that could be withdrawn."""

    code: ClassVar[str] = "MS8066"

    @property
    def message(self) -> str:
        return "No active grant found for this client"


class GrantInvalid(SignInError):
    """A code that a program may not exchange for tokens."""

    code: ClassVar[str] = "MS8067"
    reason: str

    @property
    def message(self) -> str:
        return self.reason


class ScopeInvalid(SignInError):
    """A program asks for more than it was allowed."""

    code: ClassVar[str] = "MS8068"

    @property
    def message(self) -> str:
        return "The requested scope exceeds what was granted"


class ProgramRefused(SignInError):
    """A program with a person's token wants what only the person may."""

    code: ClassVar[str] = "MS8069"

    @property
    def message(self) -> str:
        return "Tokens issued to OAuth clients cannot be used here"


class SsoDisabled(SignInError):
    """Signing in through companies (SAML) is switched off."""

    code: ClassVar[str] = "MS8030"

    @property
    def message(self) -> str:
        return "SAML 2.0 is disabled"


class SsoProviderUnknown(SignInError):
    """No company with this id or domain; `off`: it is switched off; `unasked`: it is what sends somebody here."""

    code: ClassVar[str] = "MS8031"
    off: bool = False
    unasked: bool = False

    @property
    def message(self) -> str:
        if self.unasked:
            return "A SAML connection has not been established with this Identity Provider"
        return "SSO Provider is currently disabled" if self.off else "No such SSO provider"


class SsoProviderTaken(SignInError):
    """A company, or one of its domains, is known already; `what` is which."""

    code: ClassVar[str] = "MS8032"
    what: str
    domain: bool = False

    @property
    def message(self) -> str:
        if self.domain:
            return f"SSO Domain '{shorten(self.what, 200)}' is already assigned to an SSO identity provider"
        return f"SAML Identity Provider with this EntityID ({shorten(self.what, 200)}) already exists"


class AssertionInvalid(SignInError):
    """What a company says of somebody proves nothing; `reason` says why."""

    code: ClassVar[str] = "MS8033"
    reason: str

    @property
    def message(self) -> str:
        return f"SAML Assertion is not valid: {self.reason}"


class AssertionSilent(SignInError):
    """A company does not say who somebody is (`what`: id), or at which address (email)."""

    code: ClassVar[str] = "MS8034"
    what: str

    @property
    def message(self) -> str:
        if self.what == "email":
            return "SAML Assertion does not contain an email address"
        return "SAML Assertion did not contain a persistent identifier of this user"


class RelayStateUnknown(SignInError):
    """A company sends back somebody who was not sent there, or too long ago."""

    code: ClassVar[str] = "MS8035"

    @property
    def message(self) -> str:
        return "SAML RelayState does not exist, try logging in again?"


class ManagedElsewhere(SignInError):
    """What somebody wants changed of themselves, their company decides."""

    code: ClassVar[str] = "MS8036"

    @property
    def message(self) -> str:
        return "Updating email, phone, password of a SSO account only possible via SSO"


class InvitationUnknown(SignInError):
    """No such invitation, or it was accepted or is too old; `begun`: there was when somebody went to a provider with it."""

    code: ClassVar[str] = "MS8037"
    begun: bool = True

    @property
    def message(self) -> str:
        return "Invite not found" if self.begun else "User identified by token not found"


class InvitationForAnother(SignInError):
    """Somebody accepts an invitation with an account elsewhere that has another address."""

    code: ClassVar[str] = "MS8038"

    @property
    def message(self) -> str:
        return "Invited email does not match emails from external provider"


class ProviderUnknown(SignInError):
    """Nobody can sign in through a provider of this name."""

    code: ClassVar[str] = "MS8080"
    name: str

    @property
    def message(self) -> str:
        return f"Unsupported provider: Provider {shorten(self.name, 63)} could not be found"


class ProviderDisabled(SignInError):
    """This provider is not switched on."""

    code: ClassVar[str] = "MS8081"
    name: str

    @property
    def message(self) -> str:
        return f'Provider (issuer "{shorten(self.name, 200)}") is not enabled'


class ProviderFailed(SignInError):
    """A provider did not answer, or not as it should; `reason` says how and holds no secret."""

    code: ClassVar[str] = "MS8082"
    name: str
    reason: str

    @property
    def message(self) -> str:
        return f"The provider {shorten(self.name, 63)} could not be used: {self.reason}"


class ProviderRefused(SignInError):
    """A provider sent somebody back without signing them in; `error` and `description` are its own words."""

    code: ClassVar[str] = "MS8083"
    error: str
    description: str

    @property
    def message(self) -> str:
        return self.description or self.error


class StateUnknown(SignInError):
    """A provider sent somebody back to a sign-in that never began, is over, or began elsewhere."""

    code: ClassVar[str] = "MS8084"
    expired: bool = False

    @property
    def message(self) -> str:
        return "OAuth state has expired" if self.expired else "OAuth state not found or expired"


class CallbackIncomplete(SignInError):
    """A provider sent somebody back without saying what it must."""

    code: ClassVar[str] = "MS8085"
    what: str

    @property
    def message(self) -> str:
        return f"OAuth {self.what} missing"


class IdTokenInvalid(SignInError):
    """An ID token that proves nothing; `reason` says why."""

    code: ClassVar[str] = "MS8086"
    reason: str = "Bad ID token"
    nonce: bool = False

    @property
    def message(self) -> str:
        return self.reason


class AddressMissing(SignInError):
    """A provider tells no e-mail address of somebody."""

    code: ClassVar[str] = "MS8087"

    @property
    def message(self) -> str:
        return "Error getting user email from external provider"


class AddressUnverified(SignInError):
    """A provider does not say that an address is theirs who signs in."""

    code: ClassVar[str] = "MS8088"
    provider: str

    @property
    def message(self) -> str:
        name = self.provider
        return f"Unverified email with {name}. A confirmation email has been sent to your {name} email"


class IdentityTaken(SignInError):
    """An account elsewhere belongs to somebody already; `other`: to somebody else."""

    code: ClassVar[str] = "MS8089"
    other: bool = False

    @property
    def message(self) -> str:
        return f"Identity is already linked{' to another user' if self.other else ''}"


class IdentityUnknown(SignInError):
    """Somebody has no such identity."""

    code: ClassVar[str] = "MS8090"

    @property
    def message(self) -> str:
        return "Identity doesn't exist"


class IdentityLast(SignInError):
    """The last way in which somebody signs in cannot be taken off."""

    code: ClassVar[str] = "MS8091"

    @property
    def message(self) -> str:
        return "User must have at least 1 identity after unlinking"


class IdentityNeeded(SignInError):
    """Without this identity somebody would have the address of somebody else."""

    code: ClassVar[str] = "MS8092"

    @property
    def message(self) -> str:
        return "Unable to unlink identity due to email conflict"


class LinkingDisabled(SignInError):
    """Adding and taking off accounts elsewhere is switched off."""

    code: ClassVar[str] = "MS8093"

    @property
    def message(self) -> str:
        return "Manual linking is disabled"


class WalletDisabled(SignInError):
    """Signing in with a wallet of this chain (or of any) is switched off."""

    code: ClassVar[str] = "MS8094"
    chain: str = ""

    @property
    def message(self) -> str:
        return f"{self.chain.capitalize()} Web3 provider is disabled".lstrip()


class WalletRefused(SignInError):
    """A message that a wallet has signed, but not for this place, or not for now."""

    code: ClassVar[str] = "MS8095"
    reason: str

    @property
    def message(self) -> str:
        return self.reason


class WalletMessageInvalid(SignInError):
    """What should be a message that a wallet has signed is none."""

    code: ClassVar[str] = "MS8096"
    reason: str

    @property
    def message(self) -> str:
        return self.reason


class CustomProviderUnknown(SignInError):
    """The service key has added no provider of this name."""

    code: ClassVar[str] = "MS8097"

    @property
    def message(self) -> str:
        return "Custom OAuth provider not found"


class CustomProviderTaken(SignInError):
    """The service key has added a provider of this name before."""

    code: ClassVar[str] = "MS8098"

    @property
    def message(self) -> str:
        return "A custom OAuth provider with this identifier already exists"


class CustomProvidersFull(SignInError):
    """The service key has added as many providers as there may be."""

    code: ClassVar[str] = "MS8099"

    @property
    def message(self) -> str:
        return "Maximum number of custom OAuth/OIDC providers reached"


class AnonymousRefused(SignInError):
    """Nobody knows who this is; only people who can sign in again have factors."""

    code: ClassVar[str] = "MS8070"

    @property
    def message(self) -> str:
        return "Anonymous user not allowed to perform these actions"


class AssuranceTooLow(SignInError):
    """Whoever has a second factor must have proved it in this session, for this `purpose`."""

    code: ClassVar[str] = "MS8071"
    purpose: str

    @property
    def message(self) -> str:
        return {
            "update": "AAL2 session is required to update email or password when MFA is enabled.",
            "enroll": "AAL2 required to enroll a new factor",
            "unenroll": "AAL2 required to unenroll verified factor",
            "passkeys": "AAL2 session is required to manage passkeys when MFA is enabled",
            "recovery": "AAL2 required to manage recovery codes",
            "identities": "AAL2 session is required to link or unlink identities when MFA is enabled",
        }[self.purpose]


class FactorUnknown(SignInError):
    """The user has no such factor, or (`challenge`) the factor was not asked this."""

    code: ClassVar[str] = "MS8072"
    challenge: bool = False

    @property
    def message(self) -> str:
        return "MFA factor with the provided challenge ID not found" if self.challenge else "Factor not found"


class FactorNameTaken(SignInError):
    """The user has a factor of that name."""

    code: ClassVar[str] = "MS8073"
    name: str

    @property
    def message(self) -> str:
        return f'A factor with the friendly name "{shorten(self.name)}" for this user already exists'


class TooManyFactors(SignInError):
    """The user has as many factors as anybody may."""

    code: ClassVar[str] = "MS8074"

    @property
    def message(self) -> str:
        return "Maximum number of verified factors reached, unenroll to continue"


class FactorExists(SignInError):
    """The phone is a factor of the user's."""

    code: ClassVar[str] = "MS8079"

    @property
    def message(self) -> str:
        return "A verified phone factor already exists, unenroll the existing factor to continue"


class FactorDisabled(SignInError):
    """Factors of this kind are switched off. `action` is enroll or verify."""

    code: ClassVar[str] = "MS8075"
    kind: str
    action: str

    @property
    def message(self) -> str:
        name = {"totp": "TOTP", "phone": "Phone", "webauthn": "WebAuthn"}[self.kind]
        return f"MFA {'enroll' if self.action == 'enroll' else 'verification'} is disabled for {name}"


class ChallengeElsewhere(SignInError):
    """The challenge was asked for from another address."""

    code: ClassVar[str] = "MS8076"

    @property
    def message(self) -> str:
        return "Challenge and verify IP addresses mismatch."


class ChallengeExpired(SignInError):
    """The challenge of a factor is too old."""

    code: ClassVar[str] = "MS8077"
    challenge: str

    @property
    def message(self) -> str:
        told = "verify against another challenge or create a new challenge."
        return f"MFA challenge {self.challenge} has expired, {told}"


class ProofInvalid(SignInError):
    """A factor's answer is wrong, or has been used."""

    code: ClassVar[str] = "MS8078"
    kind: str

    @property
    def message(self) -> str:
        return {
            "totp": "Invalid TOTP code entered",
            "phone": "Invalid MFA Phone code entered",
            "recovery": "Invalid recovery code entered",
        }[self.kind]


class PasskeysDisabled(SignInError):
    """Passkeys are switched off, or the library for them is not installed."""

    code: ClassVar[str] = "MS8050"

    @property
    def message(self) -> str:
        return "Passkeys are disabled"


class PasskeyUnknown(SignInError):
    """The user has no such passkey."""

    code: ClassVar[str] = "MS8051"

    @property
    def message(self) -> str:
        return "Passkey not found"


class TooManyPasskeys(SignInError):
    """The user has as many passkeys as anybody may."""

    code: ClassVar[str] = "MS8052"

    @property
    def message(self) -> str:
        return "Maximum number of passkeys reached"


class PasskeyTaken(SignInError):
    """The key is registered."""

    code: ClassVar[str] = "MS8053"

    @property
    def message(self) -> str:
        return "This credential is already registered"


class CeremonyUnknown(SignInError):
    """What a passkey signed was never asked for, or has been used."""

    code: ClassVar[str] = "MS8054"

    @property
    def message(self) -> str:
        return "Challenge not found or already used"


class CeremonyExpired(SignInError):
    """What a passkey signed was asked for too long ago."""

    code: ClassVar[str] = "MS8055"

    @property
    def message(self) -> str:
        return "Challenge has expired"


class CeremonyFailed(SignInError):
    """What a passkey answered is not what was asked for, not from where it was asked, or not signed by the key."""

    code: ClassVar[str] = "MS8056"

    @property
    def message(self) -> str:
        return "Credential verification failed"


# ---------------------------------------------------------------- 90xx configuration


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing wrong with the configuration: where it was said, what is wrong, how to mend it."""

    source: str
    problem: str
    hint: str | None = None

    def __str__(self) -> str:
        return f"{self.source}: {self.problem}" + (f" ({self.hint})" if self.hint else "")


class ConfigError(MainspringError):
    """The process must not start; every mistake found is listed."""

    code: ClassVar[str] = "MS9000"
    mistakes: Sequence[Mistake] = ()

    @property
    def message(self) -> str:
        return "\n".join(str(mistake) for mistake in self.mistakes)


def shorten(text: str, limit: int = 200) -> str:
    """`text`, cut to `limit` characters, so that an error never echoes a megabyte."""
    return text if len(text) <= limit else text[: limit - 1] + "…"
