-- Purpose: a change of a client is one write. Its payload is an envelope, {"rowsToTell":...,"stateToKeep":...}: the state, and the rows of
-- the audit, the catalogue and the feed that tell of the change. The write inserts the rows, and keeps the state alone as the payload.
-- A payload that does not begin so is kept as it is: a state that has nothing to tell, and whatever an older build writes.
-- Rows: none is changed here but the text of one query, whose column becomes wide enough for it. The members of the rows are named after
-- their columns, and hold what the columns hold. An envelope is ASCII, with all else escaped, so that no code page matters.
-- Indexes: all statements find their rows by a primary key, which begins with the client's id.
-- The text has all of it, and no procedure: whoever may write the tables may run it.
-- Two at once: the row of grain_state comes first. Of two writes from one version the second waits there, finds another version, and tells
-- nothing; of two first writes the second gets error 2627, which the text catches, and tells nothing. The locks are held until the rows
-- are in, and the version is answered after the commit: an error before it reaches the client in place of the version, and leaves nothing,
-- since xact_abort ends the transaction at any error, and at a time-out of the client. The locks are taken in one order, grain_state,
-- audit, catalogue, parts, last uses, feed; an older build tells the tables in the same order but the first. Where it tells of the same
-- client at the same moment, the update of the catalogue waits for it and reads the latest row; two inserts of one row meet at the
-- primary key, and the loser's 2627 makes it try again. A position of the feed is hidden from readers until its transaction has ended.
-- The texts of OPENJSON have the collation of the database: where they are compared with a column, the column's collation is named.

set quoted_identifier on; set ansi_nulls on; set xact_abort on;

-- OPENJSON needs level 130 (SQL Server 2016); a database that was brought over from an older server may have a lower one.
if (select compatibility_level from sys.databases where name = db_name()) < 130
    throw 50016, N'The database has a compatibility level below 130; set it with ALTER DATABASE ... SET COMPATIBILITY_LEVEL = 130 or more, and start again.', 1;

alter table orleansquery alter column querytext nvarchar(max) not null;

-- A view keeps the types of its columns as they were when it was made.
if object_id(N'OrleansQuery', N'V') is not null
    exec sp_refreshview N'OrleansQuery';

delete from orleansquery where querykey = N'WriteToStorageKey';

insert into orleansquery (querykey, querytext) values
(N'WriteToStorageKey', N'
set nocount on;
set xact_abort on;
declare @payload varbinary(max) = @PayloadBinary, @told nvarchar(max), @written int;
if substring(@PayloadBinary, 1, 14) = cast(''{"rowsToTell":'' as varbinary(14))
begin
    declare @envelope nvarchar(max) = cast(@PayloadBinary as varchar(max));
    set @told = json_query(@envelope, N''$.rowsToTell'');
    set @payload = cast(cast(json_query(@envelope, N''$.stateToKeep'') as varchar(max)) as varbinary(max));
end;
begin transaction;
if @GrainStateVersion is null
begin
    begin try
        insert into grain_state
            (grain_id_hash, grain_type_hash, grain_id_n0, grain_id_n1, grain_type, grain_key, service_id, payload, version, modified_at)
        select
            @GrainIdHash, @GrainTypeHash, @GrainIdN0, @GrainIdN1, @GrainTypeString, coalesce(@GrainIdExtensionString, N''''), @ServiceId,
            @payload, 1, sysutcdatetime()
        where not exists (
            select 1 from grain_state
            where grain_id_hash = @GrainIdHash and grain_type_hash = @GrainTypeHash
                and grain_id_n0 = @GrainIdN0 and grain_id_n1 = @GrainIdN1 and grain_type = @GrainTypeString
                and grain_key = coalesce(@GrainIdExtensionString, N'''') and service_id = @ServiceId);
        if @@rowcount = 1
            set @written = 1;
    end try
    begin catch
        rollback transaction;
        -- 2627 and 2601: another activation wrote the first state between the look and the insert.
        if error_number() not in (2627, 2601) throw;
    end catch;
end
else
    update grain_state
    set payload = @payload, @written = version = version + 1, modified_at = sysutcdatetime()
    where grain_id_hash = @GrainIdHash and grain_type_hash = @GrainTypeHash
        and grain_id_n0 = @GrainIdN0 and grain_id_n1 = @GrainIdN1 and grain_type = @GrainTypeString
        and grain_key = coalesce(@GrainIdExtensionString, N'''') and service_id = @ServiceId
        and version = @GrainStateVersion;
if @written is not null and @told is not null
begin
    insert into audit (audit_id, occurred_at, actor, action, target, client_id, remote_address, request_id, before_json, after_json)
    select audit_id, occurred_at, actor, action, target, client_id, remote_address, request_id, before_json, after_json
    from openjson(@told, N''$.audit'') with (
        audit_id nvarchar(4000), occurred_at datetime2(6), actor nvarchar(4000), action nvarchar(4000), target nvarchar(4000),
        client_id nvarchar(4000), remote_address nvarchar(4000), request_id nvarchar(4000), before_json nvarchar(max), after_json nvarchar(max)) n
    where not exists (select 1 from audit a where a.audit_id = n.audit_id collate Latin1_General_100_BIN2);

    declare @client_id nvarchar(200), @version bigint, @moved int = 0;
    select @client_id = client_id, @version = version
    from openjson(@told, N''$.catalogue'') with (client_id nvarchar(200), version bigint);
    update client_catalogue set
        name = n.name, name_key = n.name_key, owner = n.owner, enabled = n.enabled, is_admin = n.is_admin, deleted = n.deleted,
        document = n.document, etag = n.etag, version = n.version, created_at = n.created_at, updated_at = n.updated_at
    from openjson(@told, N''$.catalogue'') with (
        name nvarchar(4000), name_key nvarchar(4000), owner nvarchar(4000), enabled bit, is_admin bit, deleted bit, document nvarchar(max),
        etag nvarchar(4000), version bigint, created_at datetime2(6), updated_at datetime2(6)) n
    where client_catalogue.client_id = @client_id and client_catalogue.version < @version;
    set @moved = @@rowcount;
    if @moved = 0 and @client_id is not null
    begin
        insert into client_catalogue
            (client_id, name, name_key, owner, enabled, is_admin, deleted, document, etag, version, created_at, updated_at)
        select @client_id, name, name_key, owner, enabled, is_admin, deleted, document, etag, version, created_at, updated_at
        from openjson(@told, N''$.catalogue'') with (
            name nvarchar(4000), name_key nvarchar(4000), owner nvarchar(4000), enabled bit, is_admin bit, deleted bit, document nvarchar(max),
            etag nvarchar(4000), version bigint, created_at datetime2(6), updated_at datetime2(6))
        where not exists (select 1 from client_catalogue where client_id = @client_id);
        set @moved = @@rowcount;
    end;

    if @moved = 1
    begin
        declare @parts table (
            kind nvarchar(20) collate Latin1_General_100_BIN2 not null,
            value nvarchar(128) collate Latin1_General_100_BIN2 not null,
            label nvarchar(400) null, created_at datetime2(6) not null, expires_at datetime2(6) null,
            primary key (kind, value));
        insert into @parts (kind, value, label, created_at, expires_at)
        select kind, value, label, created_at, expires_at
        from openjson(@told, N''$.parts'') with (
            kind nvarchar(4000), value nvarchar(4000), label nvarchar(4000), created_at datetime2(6), expires_at datetime2(6));

        -- A client, scope or secret that is made anew under an old name was not used before. A late flush may have stored older uses under
        -- that name: they go. Uses are kept by whole minutes. Those since the change stay, since the change may be told late.
        delete u from last_used u
        where u.client_id = @client_id
            and 1 = case when exists (
                    select 1 from client_part p where p.client_id = u.client_id and p.kind = u.kind and p.value = u.value)
                then iif(exists (select 1 from @parts n where n.kind = u.kind and n.value = u.value), 0, 1)
                else iif(u.used_at < cast(json_value(@told, N''$.uses_count_from'') as datetime2(6)), 1, 0) end;

        delete p from client_part p
        where p.client_id = @client_id and not exists (select 1 from @parts n where n.kind = p.kind and n.value = p.value);

        -- Labels are compared by their bytes: the collation of the column may take two for one.
        update p set label = n.label, expires_at = n.expires_at
        from client_part p join @parts n on n.kind = p.kind and n.value = p.value
        where p.client_id = @client_id and exists (
            select cast(p.label as varbinary(800)), p.expires_at except select cast(n.label as varbinary(800)), n.expires_at);

        insert into client_part (client_id, kind, value, label, created_at, expires_at)
        select @client_id, n.kind, n.value, n.label, n.created_at, n.expires_at
        from @parts n
        where not exists (select 1 from client_part p where p.client_id = @client_id and p.kind = n.kind and p.value = n.value);
    end;

    insert into revocation (kind, client_id, value, gen, expires_at)
    select kind, client_id, value, gen, expires_at
    from openjson(@told, N''$.revocations'') with (
        kind nvarchar(4000), client_id nvarchar(4000), value nvarchar(4000), gen bigint, expires_at datetime2(6)) n
    where not exists (
        select 1 from revocation r
        where r.client_id = n.client_id collate Latin1_General_100_BIN2 and r.kind = n.kind collate Latin1_General_100_BIN2
            and r.value = n.value collate Latin1_General_100_BIN2 and r.gen = n.gen);
end;
if @@trancount > 0 commit transaction;
select @written as NewGrainStateVersion where @written is not null;');

insert into schema_version (script_name) values (N'0016_tell_rows_with_state');
