-- Purpose: which warnings of a secret's end were given, so that each is given once, by one silo.
-- Rows: up to three for each secret that ends within 30 days; swept after its end.
-- Indexes: the primary key for the look-up; ix_expiry_warning_end for the sweep.
-- A secret whose end is moved is warned of anew: the end is part of the key.

create table expiry_warning
(
    client_id text not null check (length(client_id) <= 128),
    secret_id text not null check (length(secret_id) <= 128),
    expires_at integer not null,
    -- 30, 7 or 1.
    days integer not null,
    constraint pk_expiry_warning primary key (client_id, secret_id, expires_at, days)
) without rowid;

create index ix_expiry_warning_end on expiry_warning (expires_at);

insert into schema_version (script_name, applied_at) values ('0009_create_expiry_warning', unixepoch() * 1000000);
