-- Purpose: which warnings of a secret's end were given, so that each is given once, by one silo.
-- Rows: up to three for each secret that ends within 30 days; swept after its end.
-- Indexes: the primary key for the look-up; ix_expiry_warning_end for the sweep.
-- A secret whose end is moved is warned of anew: the end is part of the key.
-- Two at once: the second insert of a warning waits for the first at the primary key, gets 2627, tries again and changes nothing.

set quoted_identifier on; set ansi_nulls on; set xact_abort on;

create table expiry_warning
(
    client_id nvarchar(128) collate Latin1_General_100_BIN2 not null,
    secret_id nvarchar(128) collate Latin1_General_100_BIN2 not null,
    expires_at datetime2(6) not null,
    -- 30, 7 or 1.
    days int not null,
    constraint pk_expiry_warning primary key (client_id, secret_id, expires_at, days)
);

create index ix_expiry_warning_end on expiry_warning (expires_at);

insert into schema_version (script_name) values (N'0009_create_expiry_warning');
