-- Gives every service a role and a schema of its own in the database that psql is connected to; run it again at any time.
-- Run by a superuser:  psql -v ON_ERROR_STOP=1 -d switchboard -f roles.sql
-- SWITCHBOARD_DATABASE_PASSWORDS is a JSON object: {"desk": "…", "email": "…", "dashboard": "…"}. Each name is a service,
-- its role and its schema. A role sees its own schema and, in `extensions`, what PostgreSQL brings along; nothing else.
\set QUIET on
\getenv passwords SWITCHBOARD_DATABASE_PASSWORDS
BEGIN;

SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database()) \gexec
REVOKE ALL ON SCHEMA public FROM PUBLIC;

-- Only a superuser may add these, so services need not: similar words, accents, mixed indexes, case-blind text.
CREATE SCHEMA IF NOT EXISTS extensions;
GRANT USAGE ON SCHEMA extensions TO PUBLIC;
CREATE EXTENSION IF NOT EXISTS pg_trgm SCHEMA extensions;
CREATE EXTENSION IF NOT EXISTS unaccent SCHEMA extensions;
CREATE EXTENSION IF NOT EXISTS btree_gin SCHEMA extensions;
CREATE EXTENSION IF NOT EXISTS citext SCHEMA extensions;
SELECT format('ALTER DATABASE %I SET search_path = "$user", public, extensions', current_database()) \gexec

SELECT format('CREATE ROLE %I', key) FROM json_each_text(:'passwords'::json)
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = key) \gexec
SELECT format('ALTER ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD %L', key, value),
       format('GRANT CONNECT, TEMPORARY ON DATABASE %I TO %I', current_database(), key),
       format('CREATE SCHEMA IF NOT EXISTS %I AUTHORIZATION %I', key, key),
       format('REVOKE ALL ON SCHEMA %I FROM PUBLIC', key),
       format('ALTER ROLE %I IN DATABASE %I SET search_path = %I, extensions', key, current_database(), key)
  FROM json_each_text(:'passwords'::json) \gexec

COMMIT;
