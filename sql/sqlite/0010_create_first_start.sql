-- Purpose: a first start in Development that is under way, so that one which dies is completed by the next.
-- Rows: one, from before the keys are made until the first credentials were shown; then none.
-- The seed, from which the secrets of the first clients are derived, is wrapped by the key-encryption key.
-- Indexes: the primary key.
-- Two at once: the primary key lets one in, and the others read what it stored.

create table first_start
(
    id integer not null constraint pk_first_start primary key check (id = 1),
    wrapped_seed blob not null
);

insert into schema_version (script_name, applied_at) values ('0010_create_first_start', unixepoch() * 1000000);
