-- Purpose: a first start in Development that is under way, so that one which dies is completed by the next.
-- Rows: one, from before the keys are made until the first credentials were shown; then none.
-- The seed, from which the secrets of the first clients are derived, is wrapped by the key-encryption key.
-- Indexes: the primary key.
-- Two at once: the primary key lets one in; the other gets 2627, tries again and reads what the first stored.

set quoted_identifier on; set ansi_nulls on; set xact_abort on;

create table first_start
(
    id int not null constraint pk_first_start primary key check (id = 1),
    wrapped_seed varbinary(1000) not null
);

insert into schema_version (script_name) values (N'0010_create_first_start');
