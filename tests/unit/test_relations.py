"""Which tables can be embedded in which, and which relation a request means: PostgREST's rules."""

from __future__ import annotations

import pytest

from mainspring import datatypes
from mainspring.catalog.model import Cardinality, Catalog, Column, ForeignKey, Junction, Relation, Table, Unique
from mainspring.catalog.relations import relations, resolve
from mainspring.errors import Candidate, RelationAmbiguous, RelationUnknown
from mainspring.query.ast import TableName

SINGLE = ("many-to-one", "one-to-one")


def name(text: str) -> TableName:
    schema, _, table = text.rpartition(".")
    return TableName(schema or "public", table)


def table(said: str, *columns: str, key: str = "id", unique: tuple[str, ...] = ()) -> Table:
    """A table whose columns are written `column`, or `column>target` for a foreign key (`column>target:constraint`)."""
    keys = []
    for column, _, target in (text.partition(">") for text in columns):
        if target:
            where, _, constraint = target.partition(":")
            constraint = constraint or f"{name(said).name}_{column}_fkey"
            keys.append(ForeignKey(constraint, (column,), name(where), ("id",)))
    names = ["id", *(text.partition(">")[0] for text in columns)]
    return Table(
        name(said),
        {column: Column(column, datatypes.INTEGER) for column in names},
        primary_key=tuple(key.split(",")),
        uniques=tuple(Unique(f"{column}_key", (column,)) for column in unique),
        foreign_keys=tuple(keys),
    )


def catalog(*tables: Table) -> Catalog:
    known = {table.name: table for table in tables}
    return Catalog(known, relations(known))


SHOP = catalog(
    table("clients"),
    table("projects", "client_id>clients"),
    table("users"),
    table("tasks", "project_id>projects"),
    table("users_tasks", "user_id>users", "task_id>tasks", key="user_id,task_id"),
    table("details", "task_id>tasks", unique=("task_id",)),
    table("addresses"),
    table("orders", "billing_id>addresses:billing", "shipping_id>addresses:shipping"),
    table("employees", "boss_id>employees"),
    table("presidents", "predecessor_id>presidents", unique=("predecessor_id",)),
    table("organizations", "referee>organizations", "auditor>organizations"),
    table("sites", "main_project_id>projects:main_project"),
    table("jobs", "site_id>sites", "project_id>projects", key="id,site_id,project_id"),
    table("main_jobs", "site_id>sites", "project_id>projects", key="site_id,project_id"),
    table("loose", "site_id>sites", "user_id>users", key="site_id"),
    table("private.notes", "user_id>users"),
    table("posters"),
    table("subscriptions", "subscriber>posters", "subscribed>posters", key="subscriber,subscribed"),
)


def find(source: str, target: str, hint: str | None = None, hidden: tuple[str, ...] = ()) -> Relation:
    return resolve(SHOP, name(source), target, hint, lambda table: table.name not in hidden)


@pytest.mark.parametrize(
    ("source", "target", "hint", "constraint", "cardinality"),
    [
        ("projects", "clients", None, "projects_client_id_fkey", "many-to-one"),
        ("projects", "client_id", None, "projects_client_id_fkey", "many-to-one"),
        ("projects", "projects_client_id_fkey", None, "projects_client_id_fkey", "many-to-one"),
        ("projects", "clients", "client_id", "projects_client_id_fkey", "many-to-one"),
        ("projects", "clients", "projects_client_id_fkey", "projects_client_id_fkey", "many-to-one"),
        ("clients", "projects", None, "projects_client_id_fkey", "one-to-many"),
        ("clients", "projects", "client_id", "projects_client_id_fkey", "one-to-many"),
        ("clients", "projects_client_id_fkey", None, "projects_client_id_fkey", "one-to-many"),
        ("details", "tasks", None, "details_task_id_fkey", "one-to-one"),
        ("tasks", "details", None, "details_task_id_fkey", "one-to-one"),
        ("users", "tasks", None, "users_tasks", "many-to-many"),
        ("tasks", "users", "users_tasks", "users_tasks", "many-to-many"),
        ("orders", "addresses", "billing", "billing", "many-to-one"),
        ("orders", "addresses", "shipping_id", "shipping", "many-to-one"),
        ("orders", "shipping", None, "shipping", "many-to-one"),
        ("orders", "billing_id", None, "billing", "many-to-one"),
        ("addresses", "orders", "shipping", "shipping", "one-to-many"),
        ("addresses", "orders", "billing_id", "billing", "one-to-many"),
        ("sites", "main_project", None, "main_project", "many-to-one"),
        ("sites", "main_project_id", None, "main_project", "many-to-one"),
        ("sites", "projects", "jobs", "jobs", "many-to-many"),
        ("sites", "projects", "main_jobs", "main_jobs", "many-to-many"),
        ("sites", "projects", "main_project", "main_project", "many-to-one"),
        # a table and itself: by name those that refer to the row, by column the row referred to
        ("employees", "employees", None, "employees_boss_id_fkey", "one-to-many"),
        ("employees", "boss_id", None, "employees_boss_id_fkey", "many-to-one"),
        ("employees", "employees", "boss_id", "employees_boss_id_fkey", "one-to-many"),
        ("employees", "employees_boss_id_fkey", None, "employees_boss_id_fkey", "many-to-one"),
        ("presidents", "predecessor_id", None, "presidents_predecessor_id_fkey", "one-to-one"),
        ("presidents", "presidents", None, "presidents_predecessor_id_fkey", "one-to-one"),
        ("organizations", "auditor", None, "organizations_auditor_fkey", "many-to-one"),
        ("organizations", "organizations", "auditor", "organizations_auditor_fkey", "one-to-many"),
        ("posters", "subscriptions", "subscribed", "subscriptions_subscribed_fkey", "one-to-many"),
        ("subscriptions", "posters", "subscriber", "subscriptions_subscriber_fkey", "many-to-one"),
    ],
)
def test_the_relation_meant(source: str, target: str, hint: str | None, constraint: str, cardinality: str) -> None:
    found = find(source, target, hint)
    assert (found.name, found.cardinality) == (constraint, cardinality)
    assert found.cardinality.single == (cardinality in SINGLE)


def test_a_self_reference_joins_the_right_way_round() -> None:
    assert (find("presidents", "predecessor_id").columns, find("presidents", "predecessor_id").target_columns) == (
        ("predecessor_id",),
        ("id",),
    )
    assert find("presidents", "presidents").columns == ("id",)
    assert find("employees", "employees").target_columns == ("boss_id",)


def test_a_junction_joins_both_sides() -> None:
    assert find("users", "tasks") == Relation(
        name="users_tasks",
        source=name("users"),
        target=name("tasks"),
        cardinality=Cardinality.MANY_TO_MANY,
        columns=("id",),
        target_columns=("id",),
        junction=Junction(
            name("users_tasks"), ("user_id",), ("task_id",), "users_tasks_user_id_fkey", "users_tasks_task_id_fkey"
        ),
    )


def test_a_table_joins_two_others_only_by_keys_within_its_primary_key() -> None:
    with pytest.raises(RelationUnknown):
        find("sites", "users")


def test_several_relations_are_ambiguous() -> None:
    with pytest.raises(RelationAmbiguous) as caught:
        find("orders", "addresses")
    embedding = "orders with addresses"
    assert caught.value.candidates == (
        Candidate("many-to-one", "billing using orders(billing_id) and addresses(id)", embedding, "addresses!billing"),
        Candidate("many-to-one", "shipping using orders(shipping_id) and addresses(id)", embedding, "addresses!shipping"),
    )
    assert caught.value.hint == (
        "Try changing 'addresses' to one of the following: 'addresses!billing', 'addresses!shipping'. "
        "Find the desired relationship in the 'details' key."
    )


def test_every_way_a_candidate_names_is_a_way_out() -> None:
    with pytest.raises(RelationAmbiguous) as caught:
        find("organizations", "organizations")
    for candidate in caught.value.candidates:
        target, _, hint = candidate.hint.partition("!")
        assert find("organizations", target, hint).cardinality == candidate.cardinality


def test_candidates_through_junctions() -> None:
    with pytest.raises(RelationAmbiguous) as caught:
        find("sites", "projects")
    assert [candidate.relationship for candidate in caught.value.candidates] == [
        "main_project using sites(main_project_id) and projects(id)",
        "jobs using jobs_site_id_fkey(site_id) and jobs_project_id_fkey(project_id)",
        "main_jobs using main_jobs_site_id_fkey(site_id) and main_jobs_project_id_fkey(project_id)",
    ]
    assert caught.value.candidates[1].hint == "projects!jobs"


def test_what_is_not_there_gets_the_nearest_name() -> None:
    with pytest.raises(RelationUnknown) as caught:
        find("projects", "client")
    assert caught.value.suggestion == "clients"
    with pytest.raises(RelationUnknown) as caught:
        find("projects", "clients", "nothing")
    assert caught.value.suggestion is None
    assert caught.value.details == (
        "Searched for a foreign key relationship between 'projects' and 'clients' using the hint 'nothing'"
        " in the schema 'public', but no matches were found."
    )


@pytest.mark.parametrize("target", ["clients", "client_id", "projects_client_id_fkey", "client"])
def test_a_hidden_table_is_absent(target: str) -> None:
    with pytest.raises(RelationUnknown) as caught:
        find("projects", target, hidden=("clients",))
    assert caught.value.suggestion != "clients"


def test_a_hidden_junction_joins_nothing() -> None:
    with pytest.raises(RelationUnknown):
        find("users", "tasks", hidden=("users_tasks",))
    with pytest.raises(RelationAmbiguous) as caught:
        find("sites", "projects", hidden=("jobs",))
    assert "projects!jobs" not in {candidate.hint for candidate in caught.value.candidates}


def test_other_schemas_are_out_of_reach() -> None:
    with pytest.raises(RelationUnknown):
        find("users", "notes")
    with pytest.raises(RelationUnknown):
        find("private.notes", "users")


def test_a_table_joined_with_itself_many_to_many_has_no_name() -> None:
    with pytest.raises(RelationUnknown):
        find("posters", "posters")


def test_relations_come_in_a_stable_order() -> None:
    assert [relation.name for relation in SHOP.relations[name("sites")]] == [
        "jobs_site_id_fkey",
        "main_jobs_site_id_fkey",
        "loose_site_id_fkey",
        "main_project",
        "jobs",
        "main_jobs",
    ]


def test_a_key_to_a_table_outside_the_catalog_is_no_relation() -> None:
    assert catalog(table("a", "b_id>b")).relations == {name("a"): ()}
