--
-- PostgreSQL database dump
--

\restrict 1XtHffshEuGUBoOZdzJtScwwO8ZLywUc8b4VUnDnPfAzaHC0gAMu1q5pWDHQuwq

-- Dumped from database version 18.6
-- Dumped by pg_dump version 18.6

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET transaction_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: dashboard; Type: SCHEMA; Schema: -; Owner: dashboard
--

CREATE SCHEMA dashboard;


ALTER SCHEMA dashboard OWNER TO dashboard;

--
-- Name: desk; Type: SCHEMA; Schema: -; Owner: desk
--

CREATE SCHEMA desk;


ALTER SCHEMA desk OWNER TO desk;

--
-- Name: email; Type: SCHEMA; Schema: -; Owner: email
--

CREATE SCHEMA email;


ALTER SCHEMA email OWNER TO email;

--
-- Name: phone; Type: SCHEMA; Schema: -; Owner: phone
--

CREATE SCHEMA phone;


ALTER SCHEMA phone OWNER TO phone;

--
-- Name: social; Type: SCHEMA; Schema: -; Owner: social
--

CREATE SCHEMA social;


ALTER SCHEMA social OWNER TO social;

--
-- Name: refuse_change(); Type: FUNCTION; Schema: desk; Owner: desk
--

CREATE FUNCTION desk.refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
    BEGIN
        RAISE EXCEPTION 'the audit log is only ever added to';
    END $$;


ALTER FUNCTION desk.refuse_change() OWNER TO desk;

SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: alembic_version; Type: TABLE; Schema: dashboard; Owner: dashboard
--

CREATE TABLE dashboard.alembic_version (
    version_num character varying(32) NOT NULL
);


ALTER TABLE dashboard.alembic_version OWNER TO dashboard;

--
-- Name: conversations; Type: TABLE; Schema: dashboard; Owner: dashboard
--

CREATE TABLE dashboard.conversations (
    id text NOT NULL,
    site text NOT NULL,
    owner text NOT NULL,
    last_seq bigint NOT NULL,
    merged_into text,
    also text[] DEFAULT '{}'::text[] NOT NULL,
    created_at timestamp with time zone NOT NULL
);


ALTER TABLE dashboard.conversations OWNER TO dashboard;

--
-- Name: messages; Type: TABLE; Schema: dashboard; Owner: dashboard
--

CREATE TABLE dashboard.messages (
    id text NOT NULL,
    conversation text NOT NULL,
    seq bigint NOT NULL,
    incoming boolean NOT NULL,
    at timestamp with time zone NOT NULL,
    author text DEFAULT ''::text NOT NULL,
    verified boolean DEFAULT false NOT NULL,
    subject text DEFAULT ''::text NOT NULL,
    text text NOT NULL,
    attachments jsonb DEFAULT '[]'::jsonb NOT NULL,
    idempotency_key text,
    fingerprint text,
    topic text,
    event bytea,
    ticket_id text,
    delivered_at timestamp with time zone
);


ALTER TABLE dashboard.messages OWNER TO dashboard;

--
-- Name: outbox; Type: TABLE; Schema: dashboard; Owner: dashboard
--

CREATE TABLE dashboard.outbox (
    id bigint NOT NULL,
    topic text NOT NULL,
    key text NOT NULL,
    value bytea NOT NULL,
    kind text NOT NULL,
    event_id text NOT NULL
);


ALTER TABLE dashboard.outbox OWNER TO dashboard;

--
-- Name: outbox_id_seq; Type: SEQUENCE; Schema: dashboard; Owner: dashboard
--

ALTER TABLE dashboard.outbox ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME dashboard.outbox_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: sites; Type: TABLE; Schema: dashboard; Owner: dashboard
--

CREATE TABLE dashboard.sites (
    id text NOT NULL,
    name text NOT NULL,
    key text NOT NULL,
    secrets jsonb NOT NULL,
    origins text[] NOT NULL,
    mode text NOT NULL,
    created_at timestamp with time zone NOT NULL
);


ALTER TABLE dashboard.sites OWNER TO dashboard;

--
-- Name: visitors; Type: TABLE; Schema: dashboard; Owner: dashboard
--

CREATE TABLE dashboard.visitors (
    id text NOT NULL,
    site text NOT NULL,
    token text NOT NULL,
    older_token text,
    older_until timestamp with time zone,
    issued_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    author jsonb NOT NULL
);


ALTER TABLE dashboard.visitors OWNER TO dashboard;

--
-- Name: agent_links; Type: TABLE; Schema: desk; Owner: desk
--

CREATE TABLE desk.agent_links (
    token_hash bytea NOT NULL,
    agent_id uuid NOT NULL,
    expires_at timestamp with time zone NOT NULL
);


ALTER TABLE desk.agent_links OWNER TO desk;

--
-- Name: agents; Type: TABLE; Schema: desk; Owner: desk
--

CREATE TABLE desk.agents (
    id uuid NOT NULL,
    email text NOT NULL,
    name text NOT NULL,
    role text NOT NULL,
    password_hash text NOT NULL,
    language text DEFAULT ''::text NOT NULL,
    active boolean DEFAULT true NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    presence text DEFAULT 'away'::text NOT NULL,
    presence_since timestamp with time zone DEFAULT now() NOT NULL,
    presence_reason text DEFAULT ''::text NOT NULL,
    presence_after text DEFAULT ''::text NOT NULL,
    phone text DEFAULT ''::text NOT NULL,
    skills text[] DEFAULT '{}'::text[] NOT NULL,
    totp_seed bytea,
    totp_step bigint DEFAULT 0 NOT NULL,
    CONSTRAINT ck_agents_presence CHECK ((presence = ANY (ARRAY['ready'::text, 'busy'::text, 'wrap-up'::text, 'away'::text]))),
    CONSTRAINT ck_agents_role CHECK ((role = ANY (ARRAY['agent'::text, 'admin'::text])))
);


ALTER TABLE desk.agents OWNER TO desk;

--
-- Name: alembic_version; Type: TABLE; Schema: desk; Owner: desk
--

CREATE TABLE desk.alembic_version (
    version_num character varying(32) NOT NULL
);


ALTER TABLE desk.alembic_version OWNER TO desk;

--
-- Name: api_tokens; Type: TABLE; Schema: desk; Owner: desk
--

CREATE TABLE desk.api_tokens (
    token_hash bytea NOT NULL,
    name text NOT NULL,
    scopes text[] NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    revoked_at timestamp with time zone
);


ALTER TABLE desk.api_tokens OWNER TO desk;

--
-- Name: audit_log; Type: TABLE; Schema: desk; Owner: desk
--

CREATE TABLE desk.audit_log (
    id bigint NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL,
    kind text NOT NULL,
    actor text NOT NULL,
    subject text NOT NULL,
    ip text NOT NULL,
    data jsonb NOT NULL
);


ALTER TABLE desk.audit_log OWNER TO desk;

--
-- Name: audit_log_id_seq; Type: SEQUENCE; Schema: desk; Owner: desk
--

ALTER TABLE desk.audit_log ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME desk.audit_log_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: burst_posts; Type: TABLE; Schema: desk; Owner: desk
--

CREATE TABLE desk.burst_posts (
    message_id uuid NOT NULL,
    burst_id text NOT NULL,
    at timestamp with time zone NOT NULL
);


ALTER TABLE desk.burst_posts OWNER TO desk;

--
-- Name: call_requests; Type: TABLE; Schema: desk; Owner: desk
--

CREATE TABLE desk.call_requests (
    id text NOT NULL,
    call_id text NOT NULL,
    action text NOT NULL,
    agent text NOT NULL,
    ticket_id uuid,
    requested_at timestamp with time zone NOT NULL,
    outcome text NOT NULL,
    detail text NOT NULL,
    outcome_at timestamp with time zone
);


ALTER TABLE desk.call_requests OWNER TO desk;

--
-- Name: calls; Type: TABLE; Schema: desk; Owner: desk
--

CREATE TABLE desk.calls (
    call_id text NOT NULL,
    version integer NOT NULL,
    state text NOT NULL,
    at timestamp with time zone NOT NULL,
    direction text NOT NULL,
    customer text NOT NULL,
    language text NOT NULL,
    message_id text NOT NULL,
    waiting_since timestamp with time zone,
    connected_at timestamp with time zone,
    ended_at timestamp with time zone,
    agent text NOT NULL,
    request_id text NOT NULL,
    outcome text NOT NULL,
    detail text NOT NULL,
    ticket_id uuid,
    about text NOT NULL,
    asked jsonb NOT NULL,
    offered_to text NOT NULL,
    offered_until timestamp with time zone,
    offer_missing jsonb NOT NULL,
    answered_by text NOT NULL,
    answer_id text NOT NULL,
    answer_until timestamp with time zone,
    "position" integer NOT NULL,
    position_at timestamp with time zone,
    finished_at timestamp with time zone,
    counted boolean NOT NULL,
    noted boolean NOT NULL
);


ALTER TABLE desk.calls OWNER TO desk;

--
-- Name: contact_points; Type: TABLE; Schema: desk; Owner: desk
--

CREATE TABLE desk.contact_points (
    point text NOT NULL,
    customer_id uuid NOT NULL,
    verified boolean DEFAULT false NOT NULL,
    opted_out boolean DEFAULT false NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    consent_at timestamp with time zone
);


ALTER TABLE desk.contact_points OWNER TO desk;

--
-- Name: customer_words; Type: TABLE; Schema: desk; Owner: desk
--

CREATE TABLE desk.customer_words (
    customer_id uuid NOT NULL,
    words tsvector NOT NULL
);


ALTER TABLE desk.customer_words OWNER TO desk;

--
-- Name: customers; Type: TABLE; Schema: desk; Owner: desk
--

CREATE TABLE desk.customers (
    id uuid NOT NULL,
    name text DEFAULT ''::text NOT NULL,
    language text DEFAULT ''::text NOT NULL,
    tier text DEFAULT ''::text NOT NULL,
    birth_year smallint,
    stated jsonb,
    observed jsonb DEFAULT '{}'::jsonb NOT NULL,
    recent_contacts jsonb DEFAULT '[]'::jsonb NOT NULL,
    facts jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    late_at timestamp with time zone
);


ALTER TABLE desk.customers OWNER TO desk;

--
-- Name: display_links; Type: TABLE; Schema: desk; Owner: desk
--

CREATE TABLE desk.display_links (
    id uuid NOT NULL,
    name text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    revoked_at timestamp with time zone
);


ALTER TABLE desk.display_links OWNER TO desk;

--
-- Name: mentions; Type: TABLE; Schema: desk; Owner: desk
--

CREATE TABLE desk.mentions (
    id uuid NOT NULL,
    channel text NOT NULL,
    provider_id text NOT NULL,
    author text NOT NULL,
    author_name text NOT NULL,
    text text NOT NULL,
    language text NOT NULL,
    at timestamp with time zone NOT NULL,
    reach bigint NOT NULL,
    complaint real,
    facts jsonb NOT NULL,
    label text DEFAULT ''::text NOT NULL,
    asked boolean DEFAULT false NOT NULL,
    judged_by text DEFAULT ''::text NOT NULL,
    judged_at timestamp with time zone
);


ALTER TABLE desk.mentions OWNER TO desk;

--
-- Name: message_words; Type: TABLE; Schema: desk; Owner: desk
--

CREATE TABLE desk.message_words (
    ticket_id uuid NOT NULL,
    message_id uuid NOT NULL,
    words tsvector NOT NULL
);


ALTER TABLE desk.message_words OWNER TO desk;

--
-- Name: messages; Type: TABLE; Schema: desk; Owner: desk
--

CREATE TABLE desk.messages (
    id uuid NOT NULL,
    ticket_id uuid NOT NULL,
    direction text NOT NULL,
    channel text NOT NULL,
    provider_id text DEFAULT ''::text NOT NULL,
    conversation text DEFAULT ''::text NOT NULL,
    author text NOT NULL,
    author_name text NOT NULL,
    verified boolean DEFAULT false NOT NULL,
    other_address boolean DEFAULT false NOT NULL,
    recipient text DEFAULT ''::text NOT NULL,
    subject text DEFAULT ''::text NOT NULL,
    text text NOT NULL,
    html text DEFAULT ''::text NOT NULL,
    attachments jsonb DEFAULT '[]'::jsonb NOT NULL,
    at timestamp with time zone NOT NULL,
    automatic text DEFAULT ''::text NOT NULL,
    facts jsonb DEFAULT '{}'::jsonb NOT NULL,
    raw_uri text DEFAULT ''::text NOT NULL,
    decision jsonb,
    delivery text DEFAULT ''::text NOT NULL,
    delivery_detail text DEFAULT ''::text NOT NULL,
    public boolean DEFAULT false NOT NULL,
    reach bigint DEFAULT 0 NOT NULL,
    complaint real,
    label text DEFAULT ''::text NOT NULL,
    label_by text DEFAULT ''::text NOT NULL,
    taken_at timestamp with time zone,
    routed_at timestamp with time zone,
    applied_at timestamp with time zone,
    sent_at timestamp with time zone,
    ended_wait jsonb,
    also_to text[] DEFAULT '{}'::text[] NOT NULL,
    cc text[] DEFAULT '{}'::text[] NOT NULL,
    bcc text[] DEFAULT '{}'::text[] NOT NULL,
    doubt text DEFAULT ''::text NOT NULL,
    mail_after timestamp with time zone,
    CONSTRAINT ck_messages_direction CHECK ((direction = ANY (ARRAY['in'::text, 'out'::text, 'note'::text])))
);


ALTER TABLE desk.messages OWNER TO desk;

--
-- Name: outbox; Type: TABLE; Schema: desk; Owner: desk
--

CREATE TABLE desk.outbox (
    id bigint NOT NULL,
    topic text NOT NULL,
    key text NOT NULL,
    value bytea NOT NULL,
    kind text NOT NULL,
    event_id text NOT NULL
);


ALTER TABLE desk.outbox OWNER TO desk;

--
-- Name: outbox_id_seq; Type: SEQUENCE; Schema: desk; Owner: desk
--

ALTER TABLE desk.outbox ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME desk.outbox_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: recovery_codes; Type: TABLE; Schema: desk; Owner: desk
--

CREATE TABLE desk.recovery_codes (
    code_hash bytea NOT NULL,
    agent_id uuid NOT NULL
);


ALTER TABLE desk.recovery_codes OWNER TO desk;

--
-- Name: search_progress; Type: TABLE; Schema: desk; Owner: desk
--

CREATE TABLE desk.search_progress (
    what text NOT NULL,
    place text NOT NULL
);


ALTER TABLE desk.search_progress OWNER TO desk;

--
-- Name: sessions; Type: TABLE; Schema: desk; Owner: desk
--

CREATE TABLE desk.sessions (
    token_hash bytea NOT NULL,
    agent_id uuid NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    used_at timestamp with time zone DEFAULT now() NOT NULL,
    ip text DEFAULT ''::text NOT NULL,
    browser text DEFAULT ''::text NOT NULL
);


ALTER TABLE desk.sessions OWNER TO desk;

--
-- Name: ticket_events; Type: TABLE; Schema: desk; Owner: desk
--

CREATE TABLE desk.ticket_events (
    seq bigint NOT NULL,
    id uuid NOT NULL,
    ticket_id uuid,
    kind text NOT NULL,
    at timestamp with time zone NOT NULL,
    actor text NOT NULL,
    data jsonb NOT NULL
);


ALTER TABLE desk.ticket_events OWNER TO desk;

--
-- Name: ticket_events_seq_seq; Type: SEQUENCE; Schema: desk; Owner: desk
--

ALTER TABLE desk.ticket_events ALTER COLUMN seq ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME desk.ticket_events_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: tickets; Type: TABLE; Schema: desk; Owner: desk
--

CREATE TABLE desk.tickets (
    id uuid NOT NULL,
    number bigint NOT NULL,
    thread_key text NOT NULL,
    generation integer NOT NULL,
    customer_id uuid NOT NULL,
    linked_to uuid,
    participants text[] NOT NULL,
    verified boolean NOT NULL,
    status text NOT NULL,
    level text NOT NULL,
    score smallint NOT NULL,
    rank smallint NOT NULL,
    queue_at timestamp with time zone NOT NULL,
    reasons jsonb NOT NULL,
    routing_reasons jsonb NOT NULL,
    channels jsonb NOT NULL,
    team text NOT NULL,
    skills text[] NOT NULL,
    language text NOT NULL,
    assignee_id uuid,
    subject text NOT NULL,
    snippet text NOT NULL,
    channel text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    last_message_at timestamp with time zone NOT NULL,
    last_inbound_at timestamp with time zone NOT NULL,
    waiting_since timestamp with time zone,
    first_reply_at timestamp with time zone,
    solved_at timestamp with time zone,
    messages integer NOT NULL,
    version integer NOT NULL,
    due_at timestamp with time zone,
    group_id uuid,
    burst_id text DEFAULT ''::text NOT NULL,
    alone boolean DEFAULT false NOT NULL,
    patience jsonb DEFAULT '{}'::jsonb NOT NULL,
    widens_at timestamp with time zone,
    undelivered text DEFAULT ''::text NOT NULL,
    CONSTRAINT ck_tickets_status CHECK ((status = ANY (ARRAY['open'::text, 'pending'::text, 'solved'::text, 'closed'::text])))
);


ALTER TABLE desk.tickets OWNER TO desk;

--
-- Name: tickets_number_seq; Type: SEQUENCE; Schema: desk; Owner: desk
--

ALTER TABLE desk.tickets ALTER COLUMN number ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME desk.tickets_number_seq
    START WITH 1001
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: alembic_version; Type: TABLE; Schema: email; Owner: email
--

CREATE TABLE email.alembic_version (
    version_num character varying(32) NOT NULL
);


ALTER TABLE email.alembic_version OWNER TO email;

--
-- Name: deliveries; Type: TABLE; Schema: email; Owner: email
--

CREATE TABLE email.deliveries (
    outbound_id text NOT NULL,
    "position" bigint NOT NULL,
    ticket_id text NOT NULL,
    state text NOT NULL,
    request bytea NOT NULL,
    requested_at timestamp with time zone NOT NULL,
    due_at timestamp with time zone DEFAULT now() NOT NULL,
    holder bigint NOT NULL,
    attempts integer NOT NULL,
    message_id text NOT NULL,
    detail text NOT NULL,
    changed_at timestamp with time zone DEFAULT now() NOT NULL,
    recipient text DEFAULT ''::text NOT NULL,
    returned_by text DEFAULT ''::text NOT NULL,
    CONSTRAINT state CHECK ((state = ANY (ARRAY['waiting'::text, 'sending'::text, 'sent'::text, 'failed'::text, 'uncertain'::text])))
);


ALTER TABLE email.deliveries OWNER TO email;

--
-- Name: deliveries_position_seq; Type: SEQUENCE; Schema: email; Owner: email
--

ALTER TABLE email.deliveries ALTER COLUMN "position" ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME email.deliveries_position_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: outbox; Type: TABLE; Schema: email; Owner: email
--

CREATE TABLE email.outbox (
    id bigint NOT NULL,
    topic text NOT NULL,
    key text NOT NULL,
    value bytea NOT NULL,
    kind text NOT NULL,
    event_id text NOT NULL
);


ALTER TABLE email.outbox OWNER TO email;

--
-- Name: outbox_id_seq; Type: SEQUENCE; Schema: email; Owner: email
--

ALTER TABLE email.outbox ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME email.outbox_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: alembic_version; Type: TABLE; Schema: phone; Owner: phone
--

CREATE TABLE phone.alembic_version (
    version_num character varying(32) NOT NULL
);


ALTER TABLE phone.alembic_version OWNER TO phone;

--
-- Name: callers; Type: TABLE; Schema: phone; Owner: phone
--

CREATE TABLE phone.callers (
    point text NOT NULL,
    language text NOT NULL,
    changed_at timestamp with time zone DEFAULT now() NOT NULL
);


ALTER TABLE phone.callers OWNER TO phone;

--
-- Name: calls; Type: TABLE; Schema: phone; Owner: phone
--

CREATE TABLE phone.calls (
    id text NOT NULL,
    sid text DEFAULT ''::text NOT NULL,
    state text DEFAULT 'greeting'::text NOT NULL,
    version integer DEFAULT 0 NOT NULL,
    view bytea DEFAULT '\x'::bytea NOT NULL,
    outcomes jsonb DEFAULT '{}'::jsonb NOT NULL,
    told jsonb DEFAULT '[]'::jsonb NOT NULL,
    waiting_since timestamp with time zone,
    connected_at timestamp with time zone,
    "position" integer DEFAULT 0 NOT NULL,
    expected_wait integer DEFAULT 0 NOT NULL,
    over boolean DEFAULT false NOT NULL,
    due_at timestamp with time zone,
    heard_at timestamp with time zone DEFAULT now() NOT NULL,
    placed_by bigint DEFAULT '0'::bigint NOT NULL
);


ALTER TABLE phone.calls OWNER TO phone;

--
-- Name: consents; Type: TABLE; Schema: phone; Owner: phone
--

CREATE TABLE phone.consents (
    point text NOT NULL,
    stopped boolean NOT NULL,
    sid text NOT NULL,
    changed_at timestamp with time zone NOT NULL
);


ALTER TABLE phone.consents OWNER TO phone;

--
-- Name: deliveries; Type: TABLE; Schema: phone; Owner: phone
--

CREATE TABLE phone.deliveries (
    outbound_id text NOT NULL,
    place bigint NOT NULL,
    ticket_id text NOT NULL,
    state text NOT NULL,
    request bytea NOT NULL,
    requested_at timestamp with time zone NOT NULL,
    due_at timestamp with time zone DEFAULT now() NOT NULL,
    sending_since timestamp with time zone,
    attempts integer DEFAULT 0 NOT NULL,
    sid text DEFAULT ''::text NOT NULL,
    detail text DEFAULT ''::text NOT NULL,
    heard jsonb DEFAULT '{}'::jsonb NOT NULL
);


ALTER TABLE phone.deliveries OWNER TO phone;

--
-- Name: deliveries_place_seq; Type: SEQUENCE; Schema: phone; Owner: phone
--

ALTER TABLE phone.deliveries ALTER COLUMN place ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME phone.deliveries_place_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: facts; Type: TABLE; Schema: phone; Owner: phone
--

CREATE TABLE phone.facts (
    call_id text NOT NULL,
    key text NOT NULL,
    kind text NOT NULL,
    fact bytea NOT NULL,
    heard_at timestamp with time zone DEFAULT now() NOT NULL
);


ALTER TABLE phone.facts OWNER TO phone;

--
-- Name: fetches; Type: TABLE; Schema: phone; Owner: phone
--

CREATE TABLE phone.fetches (
    id text NOT NULL,
    message bytea NOT NULL,
    files jsonb NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    due_at timestamp with time zone DEFAULT now() NOT NULL,
    told boolean DEFAULT false NOT NULL
);


ALTER TABLE phone.fetches OWNER TO phone;

--
-- Name: outbox; Type: TABLE; Schema: phone; Owner: phone
--

CREATE TABLE phone.outbox (
    id bigint NOT NULL,
    topic text NOT NULL,
    key text NOT NULL,
    value bytea NOT NULL,
    kind text NOT NULL,
    event_id text NOT NULL
);


ALTER TABLE phone.outbox OWNER TO phone;

--
-- Name: outbox_id_seq; Type: SEQUENCE; Schema: phone; Owner: phone
--

ALTER TABLE phone.outbox ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME phone.outbox_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: requests; Type: TABLE; Schema: phone; Owner: phone
--

CREATE TABLE phone.requests (
    id text NOT NULL,
    place bigint NOT NULL,
    call_id text NOT NULL,
    subject text DEFAULT ''::text NOT NULL,
    state text NOT NULL,
    request bytea NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    due_at timestamp with time zone DEFAULT now() NOT NULL
);


ALTER TABLE phone.requests OWNER TO phone;

--
-- Name: requests_place_seq; Type: SEQUENCE; Schema: phone; Owner: phone
--

ALTER TABLE phone.requests ALTER COLUMN place ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME phone.requests_place_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: texts; Type: TABLE; Schema: phone; Owner: phone
--

CREATE TABLE phone.texts (
    sid text NOT NULL,
    received_at timestamp with time zone NOT NULL
);


ALTER TABLE phone.texts OWNER TO phone;

--
-- Name: alembic_version; Type: TABLE; Schema: social; Owner: social
--

CREATE TABLE social.alembic_version (
    version_num character varying(32) NOT NULL
);


ALTER TABLE social.alembic_version OWNER TO social;

--
-- Name: corrections; Type: TABLE; Schema: social; Owner: social
--

CREATE TABLE social.corrections (
    post_id text NOT NULL,
    text text NOT NULL,
    language text NOT NULL,
    label text NOT NULL,
    given_by text NOT NULL,
    given_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT label CHECK ((label = ANY (ARRAY['complaint'::text, 'question'::text, 'other'::text])))
);


ALTER TABLE social.corrections OWNER TO social;

--
-- Name: cursors; Type: TABLE; Schema: social; Owner: social
--

CREATE TABLE social.cursors (
    source text NOT NULL,
    newest bigint NOT NULL,
    changed_at timestamp with time zone DEFAULT now() NOT NULL
);


ALTER TABLE social.cursors OWNER TO social;

--
-- Name: deliveries; Type: TABLE; Schema: social; Owner: social
--

CREATE TABLE social.deliveries (
    outbound_id text NOT NULL,
    "position" bigint NOT NULL,
    ticket_id text NOT NULL,
    state text NOT NULL,
    request bytea NOT NULL,
    requested_at timestamp with time zone NOT NULL,
    due_at timestamp with time zone DEFAULT now() NOT NULL,
    attempts integer NOT NULL,
    provider_id text NOT NULL,
    detail text NOT NULL,
    changed_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT state CHECK ((state = ANY (ARRAY['waiting'::text, 'sending'::text, 'sent'::text, 'failed'::text, 'uncertain'::text])))
);


ALTER TABLE social.deliveries OWNER TO social;

--
-- Name: deliveries_position_seq; Type: SEQUENCE; Schema: social; Owner: social
--

ALTER TABLE social.deliveries ALTER COLUMN "position" ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME social.deliveries_position_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: models; Type: TABLE; Schema: social; Owner: social
--

CREATE TABLE social.models (
    version integer NOT NULL,
    made_at timestamp with time zone DEFAULT now() NOT NULL,
    content bytea NOT NULL,
    figures jsonb NOT NULL,
    active boolean NOT NULL
);


ALTER TABLE social.models OWNER TO social;

--
-- Name: models_version_seq; Type: SEQUENCE; Schema: social; Owner: social
--

ALTER TABLE social.models ALTER COLUMN version ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME social.models_version_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: outbox; Type: TABLE; Schema: social; Owner: social
--

CREATE TABLE social.outbox (
    id bigint NOT NULL,
    topic text NOT NULL,
    key text NOT NULL,
    kind text NOT NULL,
    event_id text NOT NULL,
    value bytea NOT NULL
);


ALTER TABLE social.outbox OWNER TO social;

--
-- Name: outbox_id_seq; Type: SEQUENCE; Schema: social; Owner: social
--

ALTER TABLE social.outbox ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME social.outbox_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: posts; Type: TABLE; Schema: social; Owner: social
--

CREATE TABLE social.posts (
    id text NOT NULL,
    author text NOT NULL,
    name text NOT NULL,
    username text NOT NULL,
    thread text NOT NULL,
    conversation text NOT NULL,
    text text NOT NULL,
    language text NOT NULL,
    source text NOT NULL,
    outcome text NOT NULL,
    kind text NOT NULL,
    media text[] NOT NULL,
    reasons text[] NOT NULL,
    causes text[] NOT NULL,
    created_at timestamp with time zone NOT NULL,
    received_at timestamp with time zone NOT NULL,
    complaint double precision NOT NULL,
    question double precision NOT NULL,
    followers bigint NOT NULL,
    burst text DEFAULT ''::text NOT NULL,
    summoned boolean DEFAULT true NOT NULL,
    CONSTRAINT kind CHECK ((kind = ANY (ARRAY['complaint'::text, 'question'::text, 'other'::text, 'message'::text]))),
    CONSTRAINT outcome CHECK ((outcome = ANY (ARRAY['ticket'::text, 'mention'::text])))
);


ALTER TABLE social.posts OWNER TO social;

--
-- Data for Name: alembic_version; Type: TABLE DATA; Schema: dashboard; Owner: dashboard
--

INSERT INTO dashboard.alembic_version VALUES
	('0001');


--
-- Data for Name: conversations; Type: TABLE DATA; Schema: dashboard; Owner: dashboard
--

INSERT INTO dashboard.conversations VALUES
	('e4faf00f-a097-464a-8a9d-66da47f5d9b7', 'local-site', 'chat:local-site.user-1', 2, NULL, '{}', '2026-11-30 16:49:18.036757+00');


--
-- Data for Name: messages; Type: TABLE DATA; Schema: dashboard; Owner: dashboard
--

INSERT INTO dashboard.messages VALUES
	('5049ee1a-ff48-5790-8ff2-c7175e91cf32', 'e4faf00f-a097-464a-8a9d-66da47f5d9b7', 1, true, '2026-11-30 16:49:18.036757+00', 'Cy', true, 'My licence', 'Where do I find my licence?', '[]', '115ff29e58ed4159991b2027a1742dc5', 'a6c3c3e67abd44bb3e7325f515bb85fc36fb9908696d580bd1d6993acdbb2cca', 'messages-received', NULL, NULL, NULL),
	('d31565f4-803f-5117-9ad7-d40896364974', 'e4faf00f-a097-464a-8a9d-66da47f5d9b7', 2, false, '2026-11-30 16:49:18.34388+00', '', false, 'My licence', 'Under Account, Licences.', '[]', NULL, NULL, NULL, NULL, 'af14d7e4-feef-5557-ba68-b9b76d50d987', '2026-11-30 16:49:18.43029+00');


--
-- Data for Name: outbox; Type: TABLE DATA; Schema: dashboard; Owner: dashboard
--



--
-- Data for Name: sites; Type: TABLE DATA; Schema: dashboard; Owner: dashboard
--

INSERT INTO dashboard.sites VALUES
	('local-site', 'Local site', 'site_fSpBgGvtyVhyIh8HA71H419D', '{"20261130T164914319578": "NSJ-rbh4Fn9YSR3T25NwRyBxsdqH4T2zuOhA4PAqxrw"}', '{http://127.0.0.1:21001}', 'optional', '2026-11-30 16:49:14.319621+00');


--
-- Data for Name: visitors; Type: TABLE DATA; Schema: dashboard; Owner: dashboard
--

INSERT INTO dashboard.visitors VALUES
	('00681629-13c9-43c2-a702-6973d4670ecb', 'local-site', '71cd632beca67b4f2bfbb09274120468147b44a52ba77f0bb4eb9b793864b331', NULL, NULL, '2026-11-30 16:49:17.992836+00', '2026-11-30 16:59:17+00', '{"also": ["email:cy@mail.example", "tel:+33612345679"], "name": "Cy", "tier": "", "point": "chat:local-site.user-1", "locale": "", "verified": true, "birth_year": null}');


--
-- Data for Name: agent_links; Type: TABLE DATA; Schema: desk; Owner: desk
--



--
-- Data for Name: agents; Type: TABLE DATA; Schema: desk; Owner: desk
--

INSERT INTO desk.agents VALUES
	('6708795d-8462-4e49-9315-f59824f58b23', 'admin@example.org', 'Admin', 'admin', '$argon2id$v=19$m=19456,t=2,p=1$Br42PRRUSVDGtPQzuK19ZA$VIUG6mvW8t7EFNj6bk7JXenKJcUMV+VyLwuWw/gSf44', '', true, '2026-11-30 16:48:58.328206+00', 'away', '2026-11-30 16:48:58.328206+00', '', '', '', '{}', NULL, 0);


--
-- Data for Name: alembic_version; Type: TABLE DATA; Schema: desk; Owner: desk
--

INSERT INTO desk.alembic_version VALUES
	('0013');


--
-- Data for Name: api_tokens; Type: TABLE DATA; Schema: desk; Owner: desk
--

INSERT INTO desk.api_tokens VALUES
	('\x66ab6d6d818f1ef839069e3209f8c6654f0997b94c00fd5896529548f1deac5f', 'local', '{read,write}', '2026-11-30 16:49:06.915508+00', NULL);


--
-- Data for Name: audit_log; Type: TABLE DATA; Schema: desk; Owner: desk
--

INSERT INTO desk.audit_log OVERRIDING SYSTEM VALUE VALUES
	(1, '2026-11-30 16:48:58.328206+00', 'person.created', 'command', 'admin@example.org', '', '{"role": "admin"}'),
	(2, '2026-11-30 16:49:06.915508+00', 'token.created', 'command', 'local', '', '{"scopes": "read,write"}');


--
-- Data for Name: burst_posts; Type: TABLE DATA; Schema: desk; Owner: desk
--



--
-- Data for Name: call_requests; Type: TABLE DATA; Schema: desk; Owner: desk
--



--
-- Data for Name: calls; Type: TABLE DATA; Schema: desk; Owner: desk
--



--
-- Data for Name: contact_points; Type: TABLE DATA; Schema: desk; Owner: desk
--

INSERT INTO desk.contact_points VALUES
	('email:ann@mail.example', '5fb48487-c2c4-41fe-af6c-01919fd3290c', false, false, '2026-11-30 16:49:16.665952+00', NULL),
	('email:bo@mail.example', 'ac55d792-75d7-49b5-bfea-91a6f43cd16e', false, false, '2026-11-30 16:49:17.723532+00', NULL),
	('chat:local-site.user-1', '882ac73d-6b66-4586-a7ba-b8211aa36846', true, false, '2026-11-30 16:49:18.05553+00', NULL),
	('email:cy@mail.example', '882ac73d-6b66-4586-a7ba-b8211aa36846', false, false, '2026-11-30 16:49:18.05553+00', NULL),
	('tel:+33612345679', '882ac73d-6b66-4586-a7ba-b8211aa36846', false, false, '2026-11-30 16:49:18.05553+00', NULL),
	('tel:+33612345678', '5b46ad7b-9c21-4245-9260-24c292587954', false, false, '2026-11-30 16:49:18.630847+00', NULL),
	('x:9000001', '433067bc-06f0-4c23-81f0-b0aea6fa2139', true, false, '2026-11-30 16:49:19.118032+00', NULL);


--
-- Data for Name: customer_words; Type: TABLE DATA; Schema: desk; Owner: desk
--

INSERT INTO desk.customer_words VALUES
	('5fb48487-c2c4-41fe-af6c-01919fd3290c', '''ann'' ''exampl'' ''example'' ''mail'''),
	('ac55d792-75d7-49b5-bfea-91a6f43cd16e', '''bo'' ''exampl'' ''example'' ''mail'''),
	('882ac73d-6b66-4586-a7ba-b8211aa36846', '''+2345679'' ''1'' ''33612345679'' ''cy'' ''exampl'' ''example'' ''local'' ''localsite'' ''mail'' ''sit'' ''site'' ''user'' ''user1'''),
	('5b46ad7b-9c21-4245-9260-24c292587954', '''+2345678'' ''33612345678'''),
	('433067bc-06f0-4c23-81f0-b0aea6fa2139', '''+9000001'' ''9000001'' ''dee''');


--
-- Data for Name: customers; Type: TABLE DATA; Schema: desk; Owner: desk
--

INSERT INTO desk.customers VALUES
	('5fb48487-c2c4-41fe-af6c-01919fd3290c', 'Ann', 'en', '', NULL, NULL, '{"email": {"last_at": "2026-11-30T16:49:16.384743+00:00", "messages": 1}}', '["2026-11-30T16:49:16.384743+00:00"]', '{}', '2026-11-30 16:49:16.665952+00', '2026-11-30 16:49:17.224344+00', 2, NULL),
	('882ac73d-6b66-4586-a7ba-b8211aa36846', 'Cy', 'en', '', NULL, NULL, '{"chat": {"last_at": "2026-11-30T16:49:18.036757+00:00", "messages": 1}}', '["2026-11-30T16:49:18.036757+00:00"]', '{}', '2026-11-30 16:49:18.05553+00', '2026-11-30 16:49:18.256197+00', 2, NULL),
	('ac55d792-75d7-49b5-bfea-91a6f43cd16e', 'Bo', 'en', '', NULL, NULL, '{"email": {"last_at": "2026-11-30T16:49:17.698910+00:00", "messages": 1}}', '["2026-11-30T16:49:17.698910+00:00"]', '{}', '2026-11-30 16:49:17.723532+00', '2026-11-30 16:49:19.475049+00', 2, NULL),
	('433067bc-06f0-4c23-81f0-b0aea6fa2139', 'Dee', 'en', '', NULL, NULL, '{"x": {"last_at": "2026-11-30T16:49:19.068175+00:00", "messages": 1}}', '["2026-11-30T16:49:19.068175+00:00"]', '{"Account": "@dee"}', '2026-11-30 16:49:19.118032+00', '2026-11-30 16:49:19.689325+00', 2, NULL),
	('5b46ad7b-9c21-4245-9260-24c292587954', '', 'en', '', NULL, NULL, '{"sms": {"last_at": "2026-11-30T16:49:18.556403+00:00", "messages": 1}}', '["2026-11-30T16:49:18.556403+00:00"]', '{}', '2026-11-30 16:49:18.630847+00', '2026-11-30 16:49:19.915423+00', 2, NULL);


--
-- Data for Name: display_links; Type: TABLE DATA; Schema: desk; Owner: desk
--



--
-- Data for Name: mentions; Type: TABLE DATA; Schema: desk; Owner: desk
--



--
-- Data for Name: message_words; Type: TABLE DATA; Schema: desk; Owner: desk
--

INSERT INTO desk.message_words VALUES
	('41f297e6-1ccb-5d59-929f-554d86c5e5bc', '0b8d2a26-358f-5e69-9fa5-eb7a2c7a8caf', '''ann'' ''arriv'' ''arrived'' ''broken'' ''can'' ''do'' ''exampl'' ''example'' ''i'' ''is'' ''lamp'' ''mail'' ''my'' ''the'' ''what'''),
	('41f297e6-1ccb-5d59-929f-554d86c5e5bc', '292e4927-65f2-579a-bb36-816af6114a8c', '''a'' ''new'' ''one'' ''send'' ''we'' ''you'''),
	('50b77f4f-bb9d-546d-b1a4-1123a5774bb5', 'e4d0f367-3887-523a-8096-af7754d8a81f', '''an'' ''bo'' ''exampl'' ''example'' ''firm'' ''for'' ''invoic'' ''invoice'' ''mail'' ''need'' ''numb'' ''number'' ''our'' ''pleas'' ''please'' ''the'' ''we'' ''with'''),
	('af14d7e4-feef-5557-ba68-b9b76d50d987', '5049ee1a-ff48-5790-8ff2-c7175e91cf32', '''1'' ''cy'' ''do'' ''find'' ''i'' ''licenc'' ''licence'' ''local'' ''localsite'' ''my'' ''sit'' ''site'' ''user'' ''user1'' ''wher'' ''where'''),
	('af14d7e4-feef-5557-ba68-b9b76d50d987', 'd31565f4-803f-5117-9ad7-d40896364974', '''account'' ''licenc'' ''licences'' ''under'''),
	('1a516bd0-90dc-5cbe-a970-6790a6d68c85', '644ad476-5fc7-511c-90d5-afc63e96d3d6', '''+2345678'' ''33612345678'' ''is'' ''its'' ''my'' ''on'' ''order'' ''way'''),
	('528f4d32-25e5-5bff-86cd-cf4f6a0c69dd', 'cf93877c-7082-574c-aca5-56e3b898e0b6', '''+8578432'' ''+9000001'' ''2127444874658578432'' ''9000001'' ''acm'' ''acme'' ''and'' ''answer'' ''answers'' ''cam'' ''came'' ''com'' ''dee'' ''http'' ''https'' ''is'' ''my'' ''nev'' ''never'' ''nobodi'' ''nobody'' ''order'' ''status'' ''this'' ''unaccept'' ''unacceptable'' ''x'''),
	('50b77f4f-bb9d-546d-b1a4-1123a5774bb5', '9ba2b659-06be-54e9-9249-4bce57ad41cc', '''com'' ''come'' ''comes'' ''invoic'' ''invoice'' ''mail'' ''the'' ''this'' ''with'''),
	('528f4d32-25e5-5bff-86cd-cf4f6a0c69dd', '066395a5-8e01-5790-9fe0-cab74ef1eb37', '''is'' ''it'' ''order'' ''sorri'' ''sorry'' ''which'''),
	('1a516bd0-90dc-5cbe-a970-6790a6d68c85', 'e3be4740-2258-53e1-945a-822b3f12f524', '''is'' ''it'' ''its'' ''on'' ''way''');


--
-- Data for Name: messages; Type: TABLE DATA; Schema: desk; Owner: desk
--

INSERT INTO desk.messages VALUES
	('0b8d2a26-358f-5e69-9fa5-eb7a2c7a8caf', '41f297e6-1ccb-5d59-929f-554d86c5e5bc', 'in', 'email', '<179605735638.4787.17000490738962350545@mail.example.net>', '', 'email:ann@mail.example', 'Ann', false, false, 'support@example.org', 'The lamp is broken', 'My lamp arrived broken. What can I do?', '', '[]', '2026-11-30 16:49:16.384743+00', '', '{}', 'sha256/ee/ee0bbdc15b5fe0ede579eefaf18e7e29b5cd1b4c5fced958fe1cc36eb4765369', '{"team": "support", "level": "normal", "score": 20, "policy": "default@0", "skills": [], "thread": {"key": "email:<179605735638.4787.17000490738962350545@mail.example.net>", "rule": "new", "evidence": "<179605735638.4787.17000490738962350545@mail.example.net>", "generation": 0}, "reasons": [{"code": "base", "text": "a customer wrote to us", "weight": 20.0}], "channels": [{"channel": "email", "reasons": [{"code": "preference.used", "text": "this message came by Email", "values": {"channel": "email"}}], "confidence": 0.3, "contact_point": "email:ann@mail.example"}], "language": "en", "rejected": {"rule.words": ["invoices"], "rule.channel": ["on the phone"], "rule.language": ["French", "Korean", "German", "Spanish", "Portuguese", "Italian", "Japanese"], "rule.severity": ["security", "outage", "money", "access"], "signal.absent": ["live", "reach"], "signal.unknown": ["complaint", "tier", "repeated", "bad-csat", "missed-sla"], "signal.no-words": ["outage", "security", "data-loss", "legal", "access", "payment"], "channel.no-address": ["chat", "phone", "sms", "x"]}, "ticket_id": "41f297e6-1ccb-5d59-929f-554d86c5e5bc", "ask_reason": {"code": "ask.nothing-known", "text": "which channel they prefer: nothing is known of it yet", "values": {"confidence": "0.30"}}, "message_id": "0b8d2a26-358f-5e69-9fa5-eb7a2c7a8caf", "reply_within": 28800, "ask_preference": true, "routing_reasons": [{"code": "team.default", "text": "support takes what no rule sends elsewhere", "values": {"team": "support"}}]}', '', '', false, 0, NULL, '', '', '2026-11-30 16:49:16.411209+00', '2026-11-30 16:49:16.481304+00', '2026-11-30 16:49:16.855762+00', NULL, NULL, '{}', '{}', '{}', '', NULL),
	('292e4927-65f2-579a-bb36-816af6114a8c', '41f297e6-1ccb-5d59-929f-554d86c5e5bc', 'out', 'email', '<t.ova7ff7gdtfv2wmst5ku3bwf4w6jhjfugmjjqog6eohaa7sat4ay4.292e4927-65f2-579a-bb36-816af6114a8c@example.org>', '', 'api:local', '', false, false, 'email:ann@mail.example', '', 'We send you a new one.', '', '[]', '2026-11-30 16:49:17.216106+00', '', '{}', '', NULL, 'sent', '250 2.0.0 taken', false, 0, NULL, '', '', NULL, NULL, NULL, '2026-11-30 16:49:17.297294+00', '{"rank": 282, "team": "support", "level": "normal", "score": 20, "since": "2026-11-30T16:49:16.384743Z", "due_at": "2026-12-01T00:49:16.384743Z", "skills": [], "reasons": [{"code": "base", "text": "a customer wrote to us", "weight": 20.0}], "patience": {"told": [], "skills": {}, "overflow": null, "overflow_at": null}}', '{}', '{}', '{}', '', NULL),
	('e4d0f367-3887-523a-8096-af7754d8a81f', '50b77f4f-bb9d-546d-b1a4-1123a5774bb5', 'in', 'email', '<179605735768.4787.7904003856574965374@mail.example.net>', '', 'email:bo@mail.example', 'Bo', false, false, 'support@example.org', 'An invoice for the firm', 'We need an invoice with our number, please.', '', '[]', '2026-11-30 16:49:17.69891+00', '', '{}', 'sha256/42/424c8eaf5329e3fa7b8ce98b23a89d65a62359ae694908a25be38c839996de48', '{"team": "billing", "level": "normal", "score": 20, "policy": "default@0", "skills": [], "thread": {"key": "email:<179605735768.4787.7904003856574965374@mail.example.net>", "rule": "new", "evidence": "<179605735768.4787.7904003856574965374@mail.example.net>", "generation": 0}, "reasons": [{"code": "base", "text": "a customer wrote to us", "weight": 20.0}], "channels": [{"channel": "email", "reasons": [{"code": "preference.used", "text": "this message came by Email", "values": {"channel": "email"}}], "confidence": 0.3, "contact_point": "email:bo@mail.example"}], "language": "en", "overflow": {"team": "support", "after": 28800}, "rejected": {"rule.channel": ["on the phone"], "rule.language": ["French", "Korean", "German", "Spanish", "Portuguese", "Italian", "Japanese"], "rule.severity": ["security", "outage", "money"], "signal.absent": ["live", "reach"], "signal.unknown": ["complaint", "tier", "repeated", "bad-csat", "missed-sla"], "rule.not-needed": ["access"], "signal.no-words": ["outage", "security", "data-loss", "legal", "access", "payment"], "channel.no-address": ["chat", "phone", "sms", "x"]}, "ticket_id": "50b77f4f-bb9d-546d-b1a4-1123a5774bb5", "ask_reason": {"code": "ask.nothing-known", "text": "which channel they prefer: nothing is known of it yet", "values": {"confidence": "0.30"}}, "message_id": "e4d0f367-3887-523a-8096-af7754d8a81f", "reply_within": 28800, "ask_preference": true, "routing_reasons": [{"code": "team.rule", "text": "team billing: mentions “invoice”", "values": {"why": "mentions “invoice”", "rule": "invoices", "team": "billing", "skills": ""}}]}', '', '', false, 0, NULL, '', '', '2026-11-30 16:49:17.712351+00', '2026-11-30 16:49:17.717188+00', '2026-11-30 16:49:17.785231+00', NULL, NULL, '{}', '{}', '{}', '', NULL),
	('5049ee1a-ff48-5790-8ff2-c7175e91cf32', 'af14d7e4-feef-5557-ba68-b9b76d50d987', 'in', 'chat', 'e4faf00f-a097-464a-8a9d-66da47f5d9b7:115ff29e58ed4159991b2027a1742dc5', 'e4faf00f-a097-464a-8a9d-66da47f5d9b7', 'chat:local-site.user-1', 'Cy', true, false, 'local-site', 'My licence', 'Where do I find my licence?', '', '[]', '2026-11-30 16:49:18.036757+00', '', '{}', '', '{"team": "support", "level": "normal", "score": 20, "policy": "default@0", "skills": [], "thread": {"key": "chat:e4faf00f-a097-464a-8a9d-66da47f5d9b7", "rule": "conversation", "evidence": "e4faf00f-a097-464a-8a9d-66da47f5d9b7", "generation": 0}, "reasons": [{"code": "base", "text": "a customer wrote to us", "weight": 20.0}], "channels": [{"channel": "chat", "reasons": [{"code": "preference.used", "text": "this message came by Dashboard", "values": {"channel": "chat"}}], "confidence": 0.3, "contact_point": "chat:local-site.user-1"}, {"channel": "email", "reasons": [{"code": "preference.reachable", "text": "can also be reached by Email", "values": {"channel": "email"}}], "confidence": 0.0, "contact_point": "email:cy@mail.example"}, {"channel": "phone", "reasons": [{"code": "preference.reachable", "text": "can also be reached by Phone", "values": {"channel": "phone"}}], "confidence": 0.0, "contact_point": "tel:+33612345679"}, {"channel": "sms", "reasons": [{"code": "preference.reachable", "text": "can also be reached by Text message", "values": {"channel": "sms"}}], "confidence": 0.0, "contact_point": "tel:+33612345679"}], "language": "en", "rejected": {"rule.words": ["invoices"], "rule.channel": ["on the phone"], "rule.language": ["French", "Korean", "German", "Spanish", "Portuguese", "Italian", "Japanese"], "rule.severity": ["security", "outage", "money", "access"], "signal.absent": ["live", "reach"], "signal.unknown": ["complaint", "tier", "repeated", "bad-csat", "missed-sla"], "signal.no-words": ["outage", "security", "data-loss", "legal", "access", "payment"], "channel.no-address": ["x"]}, "ticket_id": "af14d7e4-feef-5557-ba68-b9b76d50d987", "ask_reason": {"code": "ask.nothing-known", "text": "which channel they prefer: nothing is known of it yet", "values": {"confidence": "0.30"}}, "message_id": "5049ee1a-ff48-5790-8ff2-c7175e91cf32", "reply_within": 28800, "ask_preference": true, "routing_reasons": [{"code": "team.default", "text": "support takes what no rule sends elsewhere", "values": {"team": "support"}}]}', '', '', false, 0, NULL, '', '', '2026-11-30 16:49:18.044752+00', '2026-11-30 16:49:18.049677+00', '2026-11-30 16:49:18.09094+00', NULL, NULL, '{}', '{}', '{}', '', NULL),
	('d31565f4-803f-5117-9ad7-d40896364974', 'af14d7e4-feef-5557-ba68-b9b76d50d987', 'out', 'chat', 'd31565f4-803f-5117-9ad7-d40896364974', 'e4faf00f-a097-464a-8a9d-66da47f5d9b7', 'api:local', '', false, false, 'chat:local-site.user-1', '', 'Under Account, Licences.', '', '[]', '2026-11-30 16:49:18.250066+00', '', '{}', '', NULL, 'delivered', '', false, 0, NULL, '', '', NULL, NULL, NULL, '2026-11-30 16:49:18.34388+00', '{"rank": 282, "team": "support", "level": "normal", "score": 20, "since": "2026-11-30T16:49:18.036757Z", "due_at": "2026-12-01T00:49:18.036757Z", "skills": [], "reasons": [{"code": "base", "text": "a customer wrote to us", "weight": 20.0}], "patience": {"told": [], "skills": {}, "overflow": null, "overflow_at": null}}', '{}', '{}', '{}', '', NULL),
	('9ba2b659-06be-54e9-9249-4bce57ad41cc', '50b77f4f-bb9d-546d-b1a4-1123a5774bb5', 'out', 'email', '', '', 'api:local', '', false, false, 'email:bo@mail.example', '', 'The invoice comes with this mail.', '', '[]', '2026-11-30 16:49:19.465699+00', '', '{}', '', NULL, 'requested', '', false, 0, NULL, '', '', NULL, NULL, NULL, NULL, '{"rank": 282, "team": "billing", "level": "normal", "score": 20, "since": "2026-11-30T16:49:17.698910Z", "due_at": "2026-12-01T00:49:17.698910Z", "skills": [], "reasons": [{"code": "base", "text": "a customer wrote to us", "weight": 20.0}], "patience": {"told": [], "skills": {}, "overflow": {"team": "support", "after": 28800}, "overflow_at": "2026-12-01T00:49:17.698910Z"}}', '{}', '{}', '{}', '', NULL),
	('644ad476-5fc7-511c-90d5-afc63e96d3d6', '1a516bd0-90dc-5cbe-a970-6790a6d68c85', 'in', 'sms', 'SM76d95983bcbc85f16161dc957b5a4309', '+33199001234/+33612345678', 'tel:+33612345678', '', false, false, '+33199001234', '', 'Is my order on its way?', '', '[]', '2026-11-30 16:49:18.556403+00', '', '{}', '', '{"team": "support", "level": "normal", "score": 20, "policy": "default@0", "skills": [], "thread": {"key": "sms:+33199001234/+33612345678", "rule": "conversation", "evidence": "+33199001234/+33612345678", "generation": 0}, "reasons": [{"code": "base", "text": "a customer wrote to us", "weight": 20.0}], "channels": [{"channel": "sms", "reasons": [{"code": "preference.used", "text": "this message came by Text message", "values": {"channel": "sms"}}], "confidence": 0.3, "contact_point": "tel:+33612345678"}, {"channel": "phone", "reasons": [{"code": "preference.reachable", "text": "can also be reached by Phone", "values": {"channel": "phone"}}], "confidence": 0.0, "contact_point": "tel:+33612345678"}], "language": "en", "rejected": {"rule.words": ["invoices"], "rule.channel": ["on the phone"], "rule.language": ["French", "Korean", "German", "Spanish", "Portuguese", "Italian", "Japanese"], "rule.severity": ["security", "outage", "money", "access"], "signal.absent": ["live", "reach"], "signal.unknown": ["complaint", "tier", "repeated", "bad-csat", "missed-sla"], "signal.no-words": ["outage", "security", "data-loss", "legal", "access", "payment"], "channel.no-address": ["chat", "email", "x"]}, "ticket_id": "1a516bd0-90dc-5cbe-a970-6790a6d68c85", "ask_reason": {"code": "ask.nothing-known", "text": "which channel they prefer: nothing is known of it yet", "values": {"confidence": "0.30"}}, "message_id": "644ad476-5fc7-511c-90d5-afc63e96d3d6", "reply_within": 28800, "ask_preference": true, "routing_reasons": [{"code": "team.default", "text": "support takes what no rule sends elsewhere", "values": {"team": "support"}}]}', '', '', false, 0, NULL, '', '', '2026-11-30 16:49:18.579593+00', '2026-11-30 16:49:18.59146+00', '2026-11-30 16:49:18.693739+00', NULL, NULL, '{}', '{}', '{}', '', NULL),
	('cf93877c-7082-574c-aca5-56e3b898e0b6', '528f4d32-25e5-5bff-86cd-cf4f6a0c69dd', 'in', 'x', '2127444874658578432', '2127444874658578432/9000001', 'x:9000001', 'Dee', true, false, '@acme', '', '@acme my order never came and nobody answers, this is unacceptable', '', '[]', '2026-11-30 16:49:19.068175+00', '', '{"Post": "https://x.com/dee/status/2127444874658578432", "Account": "@dee", "Sounds like a complaint": "unacceptable, nobody, order"}', '', '{"team": "support", "level": "high", "score": 54, "policy": "default@0", "skills": [], "thread": {"key": "x:2127444874658578432/9000001", "rule": "conversation", "evidence": "2127444874658578432/9000001", "generation": 0}, "reasons": [{"code": "complaint", "text": "sounds like a complaint (100%)", "values": {"score": "1.00"}, "weight": 40.0}, {"code": "base", "text": "a customer wrote to us", "weight": 12.0}, {"code": "reach", "text": "public, up to 10 people may see it", "values": {"people": "10"}, "weight": 2.5}], "channels": [{"channel": "x", "reasons": [{"code": "preference.used", "text": "this message came by X", "values": {"channel": "x"}}], "confidence": 0.3, "contact_point": "x:9000001"}], "language": "en", "rejected": {"rule.words": ["invoices"], "rule.channel": ["on the phone"], "rule.language": ["French", "Korean", "German", "Spanish", "Portuguese", "Italian", "Japanese"], "rule.severity": ["security", "outage", "money", "access"], "signal.absent": ["live"], "signal.unknown": ["tier", "repeated", "bad-csat", "missed-sla"], "signal.no-words": ["outage", "security", "data-loss", "legal", "access", "payment"], "channel.no-address": ["chat", "email", "phone", "sms"]}, "ticket_id": "528f4d32-25e5-5bff-86cd-cf4f6a0c69dd", "ask_reason": {"code": "ask.nothing-known", "text": "which channel they prefer: nothing is known of it yet", "values": {"confidence": "0.30"}}, "message_id": "cf93877c-7082-574c-aca5-56e3b898e0b6", "reply_within": 7200, "ask_preference": true, "routing_reasons": [{"code": "team.default", "text": "support takes what no rule sends elsewhere", "values": {"team": "support"}}]}', '', '', true, 10, 0.999, '', '', '2026-11-30 16:49:19.091204+00', '2026-11-30 16:49:19.104757+00', '2026-11-30 16:49:19.187101+00', NULL, NULL, '{}', '{}', '{}', '', NULL),
	('066395a5-8e01-5790-9fe0-cab74ef1eb37', '528f4d32-25e5-5bff-86cd-cf4f6a0c69dd', 'out', 'x', '', '2127444874658578432/9000001', 'api:local', '', false, false, 'x:9000001', '', 'Sorry! Which order is it?', '', '[]', '2026-11-30 16:49:19.685349+00', '', '{}', '', NULL, 'requested', '', false, 0, NULL, '', '', NULL, NULL, NULL, NULL, '{"rank": 147, "team": "support", "level": "high", "score": 54, "since": "2026-11-30T16:49:19.068175Z", "due_at": "2026-11-30T18:49:19.068175Z", "skills": [], "reasons": [{"code": "complaint", "text": "sounds like a complaint (100%)", "values": {"score": "1.00"}, "weight": 40.0}, {"code": "base", "text": "a customer wrote to us", "weight": 12.0}, {"code": "reach", "text": "public, up to 10 people may see it", "values": {"people": "10"}, "weight": 2.5}], "patience": {"told": [], "skills": {}, "overflow": null, "overflow_at": null}}', '{}', '{}', '{}', '', NULL),
	('e3be4740-2258-53e1-945a-822b3f12f524', '1a516bd0-90dc-5cbe-a970-6790a6d68c85', 'out', 'sms', '', '+33199001234/+33612345678', 'api:local', '', false, false, 'tel:+33612345678', '', 'It is on its way.', '', '[]', '2026-11-30 16:49:19.89154+00', '', '{}', '', NULL, 'requested', '', false, 0, NULL, '', '', NULL, NULL, NULL, NULL, '{"rank": 282, "team": "support", "level": "normal", "score": 20, "since": "2026-11-30T16:49:18.556403Z", "due_at": "2026-12-01T00:49:18.556403Z", "skills": [], "reasons": [{"code": "base", "text": "a customer wrote to us", "weight": 20.0}], "patience": {"told": [], "skills": {}, "overflow": null, "overflow_at": null}}', '{}', '{}', '{}', '', NULL);


--
-- Data for Name: outbox; Type: TABLE DATA; Schema: desk; Owner: desk
--



--
-- Data for Name: recovery_codes; Type: TABLE DATA; Schema: desk; Owner: desk
--



--
-- Data for Name: search_progress; Type: TABLE DATA; Schema: desk; Owner: desk
--



--
-- Data for Name: sessions; Type: TABLE DATA; Schema: desk; Owner: desk
--



--
-- Data for Name: ticket_events; Type: TABLE DATA; Schema: desk; Owner: desk
--

INSERT INTO desk.ticket_events VALUES
	(1, '8fbc5840-05bf-5d47-aa55-4f4d99d317eb', '41f297e6-1ccb-5d59-929f-554d86c5e5bc', 'ticket.opened', '2026-11-30 16:49:16.384743+00', 'desk', '{"level": "normal", "channel": "email"}'),
	(2, '94a7b6f9-6809-5dd7-94d2-202aa093d52f', '41f297e6-1ccb-5d59-929f-554d86c5e5bc', 'ticket.routed', '2026-11-30 16:49:16.384743+00', 'desk', '{"rule": "new", "team": "support", "level": "normal", "score": "20", "policy": "default@0", "evidence": "<179605735638.4787.17000490738962350545@mail.example.net>", "message_id": "0b8d2a26-358f-5e69-9fa5-eb7a2c7a8caf"}'),
	(3, '28b1d2f1-5ac2-584f-8ac5-249d3a860d2d', '41f297e6-1ccb-5d59-929f-554d86c5e5bc', 'message.added', '2026-11-30 16:49:16.384743+00', 'desk', '{"author": "email:ann@mail.example", "channel": "email", "message_id": "0b8d2a26-358f-5e69-9fa5-eb7a2c7a8caf"}'),
	(4, 'f932330d-48e7-4d13-8e6a-ef96d76907c4', '41f297e6-1ccb-5d59-929f-554d86c5e5bc', 'reply.added', '2026-11-30 16:49:17.216106+00', 'api:local', '{"to": "email:ann@mail.example", "channel": "email", "message_id": "292e4927-65f2-579a-bb36-816af6114a8c"}'),
	(5, '7c1ccb86-6f58-4a48-bac1-c396a27f20fb', '41f297e6-1ccb-5d59-929f-554d86c5e5bc', 'ticket.status', '2026-11-30 16:49:17.222235+00', 'api:local', '{"to": "pending", "from": "open"}'),
	(6, 'dfa7de87-1212-45ab-adae-f41641e2619c', '41f297e6-1ccb-5d59-929f-554d86c5e5bc', 'delivery.changed', '2026-11-30 16:49:17.297294+00', 'email', '{"state": "sent", "detail": "250 2.0.0 taken", "channel": "email", "message_id": "292e4927-65f2-579a-bb36-816af6114a8c"}'),
	(7, 'def86cb7-27ee-5dce-aa31-a85ffaca2738', '50b77f4f-bb9d-546d-b1a4-1123a5774bb5', 'ticket.opened', '2026-11-30 16:49:17.69891+00', 'desk', '{"level": "normal", "channel": "email"}'),
	(8, '9c964125-552e-5070-b939-ad00ec9cd3bd', '50b77f4f-bb9d-546d-b1a4-1123a5774bb5', 'ticket.routed', '2026-11-30 16:49:17.69891+00', 'desk', '{"rule": "new", "team": "billing", "level": "normal", "score": "20", "policy": "default@0", "evidence": "<179605735768.4787.7904003856574965374@mail.example.net>", "message_id": "e4d0f367-3887-523a-8096-af7754d8a81f"}'),
	(9, '12626385-be8c-5373-b439-eb8bded0592b', '50b77f4f-bb9d-546d-b1a4-1123a5774bb5', 'message.added', '2026-11-30 16:49:17.69891+00', 'desk', '{"author": "email:bo@mail.example", "channel": "email", "message_id": "e4d0f367-3887-523a-8096-af7754d8a81f"}'),
	(10, '7d62a091-74c5-5006-a20d-6dec27d024c3', 'af14d7e4-feef-5557-ba68-b9b76d50d987', 'ticket.opened', '2026-11-30 16:49:18.036757+00', 'desk', '{"level": "normal", "channel": "chat"}'),
	(11, '42278ad7-2d77-57df-b63b-16a07a5b34ca', 'af14d7e4-feef-5557-ba68-b9b76d50d987', 'ticket.routed', '2026-11-30 16:49:18.036757+00', 'desk', '{"rule": "conversation", "team": "support", "level": "normal", "score": "20", "policy": "default@0", "evidence": "e4faf00f-a097-464a-8a9d-66da47f5d9b7", "message_id": "5049ee1a-ff48-5790-8ff2-c7175e91cf32"}'),
	(12, '1c18050f-9ce9-502c-aa85-a1b8b131092c', 'af14d7e4-feef-5557-ba68-b9b76d50d987', 'message.added', '2026-11-30 16:49:18.036757+00', 'desk', '{"author": "chat:local-site.user-1", "channel": "chat", "message_id": "5049ee1a-ff48-5790-8ff2-c7175e91cf32"}'),
	(13, 'cab3c4da-001f-49c4-8e33-6e9b1bcbf658', 'af14d7e4-feef-5557-ba68-b9b76d50d987', 'reply.added', '2026-11-30 16:49:18.250066+00', 'api:local', '{"to": "chat:local-site.user-1", "channel": "chat", "message_id": "d31565f4-803f-5117-9ad7-d40896364974"}'),
	(14, '06d28f7e-4fe8-4b49-b832-2fdd60fe99c2', 'af14d7e4-feef-5557-ba68-b9b76d50d987', 'ticket.status', '2026-11-30 16:49:18.254786+00', 'api:local', '{"to": "pending", "from": "open"}'),
	(15, 'dcf5d0cf-1a28-41cb-bdb4-85eb3c040842', 'af14d7e4-feef-5557-ba68-b9b76d50d987', 'delivery.changed', '2026-11-30 16:49:18.34388+00', 'chat', '{"state": "sent", "detail": "", "channel": "chat", "message_id": "d31565f4-803f-5117-9ad7-d40896364974"}'),
	(16, 'a4c72f76-7ae5-48d2-9db3-ccf38b823571', 'af14d7e4-feef-5557-ba68-b9b76d50d987', 'delivery.changed', '2026-11-30 16:49:18.43029+00', 'chat', '{"state": "delivered", "detail": "", "channel": "chat", "message_id": "d31565f4-803f-5117-9ad7-d40896364974"}'),
	(17, 'ba0248cf-d9e0-52a0-9f32-3a2491b94e79', '1a516bd0-90dc-5cbe-a970-6790a6d68c85', 'ticket.opened', '2026-11-30 16:49:18.556403+00', 'desk', '{"level": "normal", "channel": "sms"}'),
	(18, 'bd361e00-31b3-551e-b973-7c29b87b0685', '1a516bd0-90dc-5cbe-a970-6790a6d68c85', 'ticket.routed', '2026-11-30 16:49:18.556403+00', 'desk', '{"rule": "conversation", "team": "support", "level": "normal", "score": "20", "policy": "default@0", "evidence": "+33199001234/+33612345678", "message_id": "644ad476-5fc7-511c-90d5-afc63e96d3d6"}'),
	(19, '36e7a169-3720-532a-bc1f-966c41288173', '1a516bd0-90dc-5cbe-a970-6790a6d68c85', 'message.added', '2026-11-30 16:49:18.556403+00', 'desk', '{"author": "tel:+33612345678", "channel": "sms", "message_id": "644ad476-5fc7-511c-90d5-afc63e96d3d6"}'),
	(20, 'f618dd86-300a-5efe-b8d1-523dd819e0b1', '528f4d32-25e5-5bff-86cd-cf4f6a0c69dd', 'ticket.opened', '2026-11-30 16:49:19.068175+00', 'desk', '{"level": "high", "channel": "x"}'),
	(21, 'fdc344e9-f2bf-5aa6-b784-6c438c81a976', '528f4d32-25e5-5bff-86cd-cf4f6a0c69dd', 'ticket.routed', '2026-11-30 16:49:19.068175+00', 'desk', '{"rule": "conversation", "team": "support", "level": "high", "score": "54", "policy": "default@0", "evidence": "2127444874658578432/9000001", "message_id": "cf93877c-7082-574c-aca5-56e3b898e0b6"}'),
	(22, '7912117e-c1f4-57fc-8082-38da74e723a2', '528f4d32-25e5-5bff-86cd-cf4f6a0c69dd', 'message.added', '2026-11-30 16:49:19.068175+00', 'desk', '{"author": "x:9000001", "channel": "x", "message_id": "cf93877c-7082-574c-aca5-56e3b898e0b6"}'),
	(23, 'd713c0ff-3e25-4da0-9832-ddc702a9ccc2', '50b77f4f-bb9d-546d-b1a4-1123a5774bb5', 'reply.added', '2026-11-30 16:49:19.465699+00', 'api:local', '{"to": "email:bo@mail.example", "channel": "email", "message_id": "9ba2b659-06be-54e9-9249-4bce57ad41cc"}'),
	(24, '37720aa3-25f6-4148-b06d-f727ed38d169', '50b77f4f-bb9d-546d-b1a4-1123a5774bb5', 'ticket.status', '2026-11-30 16:49:19.471999+00', 'api:local', '{"to": "pending", "from": "open"}'),
	(25, '7c268de3-fcd6-4d64-abb6-ac3b14619858', '528f4d32-25e5-5bff-86cd-cf4f6a0c69dd', 'reply.added', '2026-11-30 16:49:19.685349+00', 'api:local', '{"to": "x:9000001", "channel": "x", "message_id": "066395a5-8e01-5790-9fe0-cab74ef1eb37"}'),
	(26, '95ed2421-2697-4607-9a83-0b7dfe127008', '528f4d32-25e5-5bff-86cd-cf4f6a0c69dd', 'ticket.status', '2026-11-30 16:49:19.688221+00', 'api:local', '{"to": "pending", "from": "open"}'),
	(27, '83d2362b-bd46-4101-b380-f57e67e6103e', '1a516bd0-90dc-5cbe-a970-6790a6d68c85', 'reply.added', '2026-11-30 16:49:19.89154+00', 'api:local', '{"to": "tel:+33612345678", "channel": "sms", "message_id": "e3be4740-2258-53e1-945a-822b3f12f524"}'),
	(28, 'f549859b-6868-4c1d-9ba5-ceeaed10d729', '1a516bd0-90dc-5cbe-a970-6790a6d68c85', 'ticket.status', '2026-11-30 16:49:19.913094+00', 'api:local', '{"to": "pending", "from": "open"}');


--
-- Data for Name: tickets; Type: TABLE DATA; Schema: desk; Owner: desk
--

INSERT INTO desk.tickets VALUES
	('41f297e6-1ccb-5d59-929f-554d86c5e5bc', 1001, 'email:<179605735638.4787.17000490738962350545@mail.example.net>', 0, '5fb48487-c2c4-41fe-af6c-01919fd3290c', NULL, '{email:ann@mail.example}', false, 'pending', 'normal', 20, 282, '2026-11-30 16:49:17.216106+00', '[{"code": "base", "text": "a customer wrote to us", "weight": 20.0}]', '[{"code": "team.default", "text": "support takes what no rule sends elsewhere", "values": {"team": "support"}}]', '[{"channel": "email", "reasons": [{"code": "preference.used", "text": "this message came by Email", "values": {"channel": "email"}}], "confidence": 0.3, "contact_point": "email:ann@mail.example"}]', 'support', '{}', 'en', NULL, 'The lamp is broken', 'We send you a new one.', 'email', '2026-11-30 16:49:16.384743+00', '2026-11-30 16:49:17.216106+00', '2026-11-30 16:49:16.384743+00', NULL, '2026-11-30 16:49:17.216106+00', NULL, 2, 2, NULL, NULL, '', false, '{"told": [], "skills": {}, "overflow": null, "overflow_at": null}', NULL, ''),
	('50b77f4f-bb9d-546d-b1a4-1123a5774bb5', 1002, 'email:<179605735768.4787.7904003856574965374@mail.example.net>', 0, 'ac55d792-75d7-49b5-bfea-91a6f43cd16e', NULL, '{email:bo@mail.example}', false, 'pending', 'normal', 20, 282, '2026-11-30 16:49:19.465699+00', '[{"code": "base", "text": "a customer wrote to us", "weight": 20.0}]', '[{"code": "team.rule", "text": "team billing: mentions “invoice”", "values": {"why": "mentions “invoice”", "rule": "invoices", "team": "billing", "skills": ""}}]', '[{"channel": "email", "reasons": [{"code": "preference.used", "text": "this message came by Email", "values": {"channel": "email"}}], "confidence": 0.3, "contact_point": "email:bo@mail.example"}]', 'billing', '{}', 'en', NULL, 'An invoice for the firm', 'The invoice comes with this mail.', 'email', '2026-11-30 16:49:17.69891+00', '2026-11-30 16:49:19.465699+00', '2026-11-30 16:49:17.69891+00', NULL, '2026-11-30 16:49:19.465699+00', NULL, 2, 2, NULL, NULL, '', false, '{"told": [], "skills": {}, "overflow": {"team": "support", "after": 28800}, "overflow_at": "2026-12-01T00:49:17.698910Z"}', '2026-12-01 00:49:17.69891+00', ''),
	('af14d7e4-feef-5557-ba68-b9b76d50d987', 1003, 'chat:e4faf00f-a097-464a-8a9d-66da47f5d9b7', 0, '882ac73d-6b66-4586-a7ba-b8211aa36846', NULL, '{chat:local-site.user-1}', true, 'pending', 'normal', 20, 282, '2026-11-30 16:49:18.250066+00', '[{"code": "base", "text": "a customer wrote to us", "weight": 20.0}]', '[{"code": "team.default", "text": "support takes what no rule sends elsewhere", "values": {"team": "support"}}]', '[{"channel": "chat", "reasons": [{"code": "preference.used", "text": "this message came by Dashboard", "values": {"channel": "chat"}}], "confidence": 0.3, "contact_point": "chat:local-site.user-1"}, {"channel": "email", "reasons": [{"code": "preference.reachable", "text": "can also be reached by Email", "values": {"channel": "email"}}], "confidence": 0.0, "contact_point": "email:cy@mail.example"}, {"channel": "phone", "reasons": [{"code": "preference.reachable", "text": "can also be reached by Phone", "values": {"channel": "phone"}}], "confidence": 0.0, "contact_point": "tel:+33612345679"}, {"channel": "sms", "reasons": [{"code": "preference.reachable", "text": "can also be reached by Text message", "values": {"channel": "sms"}}], "confidence": 0.0, "contact_point": "tel:+33612345679"}]', 'support', '{}', 'en', NULL, 'My licence', 'Under Account, Licences.', 'chat', '2026-11-30 16:49:18.036757+00', '2026-11-30 16:49:18.250066+00', '2026-11-30 16:49:18.036757+00', NULL, '2026-11-30 16:49:18.250066+00', NULL, 2, 2, NULL, NULL, '', false, '{"told": [], "skills": {}, "overflow": null, "overflow_at": null}', NULL, ''),
	('528f4d32-25e5-5bff-86cd-cf4f6a0c69dd', 1005, 'x:2127444874658578432/9000001', 0, '433067bc-06f0-4c23-81f0-b0aea6fa2139', NULL, '{x:9000001}', true, 'pending', 'high', 54, 147, '2026-11-30 16:49:19.685349+00', '[{"code": "complaint", "text": "sounds like a complaint (100%)", "values": {"score": "1.00"}, "weight": 40.0}, {"code": "base", "text": "a customer wrote to us", "weight": 12.0}, {"code": "reach", "text": "public, up to 10 people may see it", "values": {"people": "10"}, "weight": 2.5}]', '[{"code": "team.default", "text": "support takes what no rule sends elsewhere", "values": {"team": "support"}}]', '[{"channel": "x", "reasons": [{"code": "preference.used", "text": "this message came by X", "values": {"channel": "x"}}], "confidence": 0.3, "contact_point": "x:9000001"}]', 'support', '{}', 'en', NULL, '@acme my order never came and nobody answers, this is unacceptable', 'Sorry! Which order is it?', 'x', '2026-11-30 16:49:19.068175+00', '2026-11-30 16:49:19.685349+00', '2026-11-30 16:49:19.068175+00', NULL, '2026-11-30 16:49:19.685349+00', NULL, 2, 2, NULL, NULL, '', false, '{"told": [], "skills": {}, "overflow": null, "overflow_at": null}', NULL, ''),
	('1a516bd0-90dc-5cbe-a970-6790a6d68c85', 1004, 'sms:+33199001234/+33612345678', 0, '5b46ad7b-9c21-4245-9260-24c292587954', NULL, '{tel:+33612345678}', false, 'pending', 'normal', 20, 282, '2026-11-30 16:49:19.89154+00', '[{"code": "base", "text": "a customer wrote to us", "weight": 20.0}]', '[{"code": "team.default", "text": "support takes what no rule sends elsewhere", "values": {"team": "support"}}]', '[{"channel": "sms", "reasons": [{"code": "preference.used", "text": "this message came by Text message", "values": {"channel": "sms"}}], "confidence": 0.3, "contact_point": "tel:+33612345678"}, {"channel": "phone", "reasons": [{"code": "preference.reachable", "text": "can also be reached by Phone", "values": {"channel": "phone"}}], "confidence": 0.0, "contact_point": "tel:+33612345678"}]', 'support', '{}', 'en', NULL, 'Is my order on its way?', 'It is on its way.', 'sms', '2026-11-30 16:49:18.556403+00', '2026-11-30 16:49:19.89154+00', '2026-11-30 16:49:18.556403+00', NULL, '2026-11-30 16:49:19.89154+00', NULL, 2, 2, NULL, NULL, '', false, '{"told": [], "skills": {}, "overflow": null, "overflow_at": null}', NULL, '');


--
-- Data for Name: alembic_version; Type: TABLE DATA; Schema: email; Owner: email
--

INSERT INTO email.alembic_version VALUES
	('email_0002');


--
-- Data for Name: deliveries; Type: TABLE DATA; Schema: email; Owner: email
--

INSERT INTO email.deliveries OVERRIDING SYSTEM VALUE VALUES
	('292e4927-65f2-579a-bb36-816af6114a8c', 1, '41f297e6-1ccb-5d59-929f-554d86c5e5bc', 'sent', '\x7b226964223a2232393265343932372d363566322d353739612d626233362d383136616636313134613863222c227469636b65745f6964223a2234316632393765362d316363622d356435392d393239662d353534643836633565356263222c226368616e6e656c223a22656d61696c222c22746f223a22656d61696c3a616e6e406d61696c2e6578616d706c65222c2274657874223a2257652073656e6420796f752061206e6577206f6e652e222c227265717565737465645f6174223a22323032362d31312d33305431363a34393a31372e3231363130365a222c22746f5f6e616d65223a22416e6e222c227375626a656374223a22546865206c616d702069732062726f6b656e222c226c616e6775616765223a22656e222c226d61696c626f78223a22737570706f7274406578616d706c652e6f7267222c227265666572656e636573223a5b223c3137393630353733353633382e343738372e3137303030343930373338393632333530353435406d61696c2e6578616d706c652e6e65743e225d7d', '2026-11-30 16:49:17.216106+00', '2026-11-30 16:50:32.270462+00', 2599231289758351292, 1, '<t.ova7ff7gdtfv2wmst5ku3bwf4w6jhjfugmjjqog6eohaa7sat4ay4.292e4927-65f2-579a-bb36-816af6114a8c@example.org>', '250 2.0.0 taken', '2026-11-30 16:49:17.299795+00', 'email:ann@mail.example', ''),
	('9ba2b659-06be-54e9-9249-4bce57ad41cc', 2, '50b77f4f-bb9d-546d-b1a4-1123a5774bb5', 'waiting', '\x7b226964223a2239626132623635392d303662652d353465392d393234392d346263653537616434316363222c227469636b65745f6964223a2235306237376634662d626239642d353436642d623161342d313132336135373734626235222c226368616e6e656c223a22656d61696c222c22746f223a22656d61696c3a626f406d61696c2e6578616d706c65222c2274657874223a2254686520696e766f69636520636f6d657320776974682074686973206d61696c2e222c227265717565737465645f6174223a22323032362d31312d33305431363a34393a31392e3436353639395a222c22746f5f6e616d65223a22426f222c227375626a656374223a22416e20696e766f69636520666f7220746865206669726d222c226c616e6775616765223a22656e222c226d61696c626f78223a22737570706f7274406578616d706c652e6f7267222c227265666572656e636573223a5b223c3137393630353733353736382e343738372e37393034303033383536353734393635333734406d61696c2e6578616d706c652e6e65743e225d7d', '2026-11-30 16:49:19.465699+00', '2026-11-30 16:49:39.49773+00', 2599231289758351292, 1, '', '451 4.3.2 not now', '2026-11-30 16:49:19.544146+00', 'email:bo@mail.example', '');


--
-- Data for Name: outbox; Type: TABLE DATA; Schema: email; Owner: email
--



--
-- Data for Name: alembic_version; Type: TABLE DATA; Schema: phone; Owner: phone
--

INSERT INTO phone.alembic_version VALUES
	('0004');


--
-- Data for Name: callers; Type: TABLE DATA; Schema: phone; Owner: phone
--



--
-- Data for Name: calls; Type: TABLE DATA; Schema: phone; Owner: phone
--



--
-- Data for Name: consents; Type: TABLE DATA; Schema: phone; Owner: phone
--



--
-- Data for Name: deliveries; Type: TABLE DATA; Schema: phone; Owner: phone
--

INSERT INTO phone.deliveries OVERRIDING SYSTEM VALUE VALUES
	('e3be4740-2258-53e1-945a-822b3f12f524', 1, '1a516bd0-90dc-5cbe-a970-6790a6d68c85', 'sending', '\x7b226964223a2265336265343734302d323235382d353365312d393435612d383232623366313266353234222c227469636b65745f6964223a2231613531366264302d393064632d356362652d613937302d363739306136643638633835222c226368616e6e656c223a22736d73222c22746f223a2274656c3a2b3333363132333435363738222c2274657874223a224974206973206f6e20697473207761792e222c227265717565737465645f6174223a22323032362d31312d33305431363a34393a31392e3839313534305a222c227375626a656374223a224973206d79206f72646572206f6e20697473207761793f222c226c616e6775616765223a22656e222c226d61696c626f78223a222b3333313939303031323334222c227265666572656e636573223a5b22534d3736643935393833626362633835663136313631646339353762356134333039225d2c22636f6e766572736174696f6e223a222b33333139393030313233342f2b3333363132333435363738227d', '2026-11-30 16:49:19.89154+00', '2026-11-30 16:49:35.010737+00', '2026-11-30 16:49:19.963509+00', 1, '', 'Twilio''s answer was lost: ClientPayloadError("Response payload is not completed: <ContentLengthError: 400, message=''Not enough data to satisfy content length header (received 11 of 1000 bytes).''>")', '{}');


--
-- Data for Name: facts; Type: TABLE DATA; Schema: phone; Owner: phone
--



--
-- Data for Name: fetches; Type: TABLE DATA; Schema: phone; Owner: phone
--



--
-- Data for Name: outbox; Type: TABLE DATA; Schema: phone; Owner: phone
--



--
-- Data for Name: requests; Type: TABLE DATA; Schema: phone; Owner: phone
--



--
-- Data for Name: texts; Type: TABLE DATA; Schema: phone; Owner: phone
--

INSERT INTO phone.texts VALUES
	('SM76d95983bcbc85f16161dc957b5a4309', '2026-11-30 16:49:18.556403+00');


--
-- Data for Name: alembic_version; Type: TABLE DATA; Schema: social; Owner: social
--

INSERT INTO social.alembic_version VALUES
	('social_0003');


--
-- Data for Name: corrections; Type: TABLE DATA; Schema: social; Owner: social
--



--
-- Data for Name: cursors; Type: TABLE DATA; Schema: social; Owner: social
--

INSERT INTO social.cursors VALUES
	('messages', 2127082398762926080, '2026-11-30 16:48:58.042001+00'),
	('search', 2127444874658578432, '2026-11-30 16:49:19.244456+00'),
	('mentions', 2127444874658578432, '2026-11-30 16:49:19.311377+00');


--
-- Data for Name: deliveries; Type: TABLE DATA; Schema: social; Owner: social
--

INSERT INTO social.deliveries OVERRIDING SYSTEM VALUE VALUES
	('066395a5-8e01-5790-9fe0-cab74ef1eb37', 1, '528f4d32-25e5-5bff-86cd-cf4f6a0c69dd', 'sending', '\x7b226964223a2230363633393561352d386530312d353739302d396665302d636162373465663165623337222c227469636b65745f6964223a2235323866346433322d323565352d356266662d383663642d636634663661306336396464222c226368616e6e656c223a2278222c22746f223a22783a39303030303031222c2274657874223a22536f72727921205768696368206f726465722069732069743f222c227265717565737465645f6174223a22323032362d31312d33305431363a34393a31392e3638353334395a222c22746f5f6e616d65223a22446565222c227375626a656374223a224061636d65206d79206f72646572206e657665722063616d6520616e64206e6f626f647920616e73776572732c207468697320697320756e61636365707461626c65222c226c616e6775616765223a22656e222c226d61696c626f78223a224061636d65222c227265666572656e636573223a5b2232313237343434383734363538353738343332225d2c22636f6e766572736174696f6e223a22323132373434343837343635383537383433322f39303030303031227d', '2026-11-30 16:49:19.685349+00', '2026-11-30 16:49:19.767198+00', 1, '', '', '2026-11-30 16:49:19.844756+00');


--
-- Data for Name: models; Type: TABLE DATA; Schema: social; Owner: social
--



--
-- Data for Name: outbox; Type: TABLE DATA; Schema: social; Owner: social
--



--
-- Data for Name: posts; Type: TABLE DATA; Schema: social; Owner: social
--

INSERT INTO social.posts VALUES
	('2127444874658578432', '9000001', 'Dee', 'dee', '2127444874658578432/9000001', '2127444874658578432', '@acme my order never came and nobody answers, this is unacceptable', 'en', 'search', 'ticket', 'complaint', '{}', '{unacceptable,nobody,order}', '{}', '2026-11-30 16:49:18.79+00', '2026-11-30 16:49:19.068175+00', 0.9992622688712951, 0.0010687042206150358, 10, '', true);


--
-- Name: outbox_id_seq; Type: SEQUENCE SET; Schema: dashboard; Owner: dashboard
--

SELECT pg_catalog.setval('dashboard.outbox_id_seq', 2, true);


--
-- Name: audit_log_id_seq; Type: SEQUENCE SET; Schema: desk; Owner: desk
--

SELECT pg_catalog.setval('desk.audit_log_id_seq', 2, true);


--
-- Name: outbox_id_seq; Type: SEQUENCE SET; Schema: desk; Owner: desk
--

SELECT pg_catalog.setval('desk.outbox_id_seq', 47, true);


--
-- Name: ticket_events_seq_seq; Type: SEQUENCE SET; Schema: desk; Owner: desk
--

SELECT pg_catalog.setval('desk.ticket_events_seq_seq', 28, true);


--
-- Name: tickets_number_seq; Type: SEQUENCE SET; Schema: desk; Owner: desk
--

SELECT pg_catalog.setval('desk.tickets_number_seq', 1005, true);


--
-- Name: deliveries_position_seq; Type: SEQUENCE SET; Schema: email; Owner: email
--

SELECT pg_catalog.setval('email.deliveries_position_seq', 2, true);


--
-- Name: outbox_id_seq; Type: SEQUENCE SET; Schema: email; Owner: email
--

SELECT pg_catalog.setval('email.outbox_id_seq', 1, true);


--
-- Name: deliveries_place_seq; Type: SEQUENCE SET; Schema: phone; Owner: phone
--

SELECT pg_catalog.setval('phone.deliveries_place_seq', 1, true);


--
-- Name: outbox_id_seq; Type: SEQUENCE SET; Schema: phone; Owner: phone
--

SELECT pg_catalog.setval('phone.outbox_id_seq', 1, true);


--
-- Name: requests_place_seq; Type: SEQUENCE SET; Schema: phone; Owner: phone
--

SELECT pg_catalog.setval('phone.requests_place_seq', 1, false);


--
-- Name: deliveries_position_seq; Type: SEQUENCE SET; Schema: social; Owner: social
--

SELECT pg_catalog.setval('social.deliveries_position_seq', 1, true);


--
-- Name: models_version_seq; Type: SEQUENCE SET; Schema: social; Owner: social
--

SELECT pg_catalog.setval('social.models_version_seq', 1, false);


--
-- Name: outbox_id_seq; Type: SEQUENCE SET; Schema: social; Owner: social
--

SELECT pg_catalog.setval('social.outbox_id_seq', 1, false);


--
-- Name: alembic_version alembic_version_pkc; Type: CONSTRAINT; Schema: dashboard; Owner: dashboard
--

ALTER TABLE ONLY dashboard.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);


--
-- Name: conversations conversations_owner_key; Type: CONSTRAINT; Schema: dashboard; Owner: dashboard
--

ALTER TABLE ONLY dashboard.conversations
    ADD CONSTRAINT conversations_owner_key UNIQUE (owner);


--
-- Name: conversations conversations_pkey; Type: CONSTRAINT; Schema: dashboard; Owner: dashboard
--

ALTER TABLE ONLY dashboard.conversations
    ADD CONSTRAINT conversations_pkey PRIMARY KEY (id);


--
-- Name: messages messages_pkey; Type: CONSTRAINT; Schema: dashboard; Owner: dashboard
--

ALTER TABLE ONLY dashboard.messages
    ADD CONSTRAINT messages_pkey PRIMARY KEY (id);


--
-- Name: outbox outbox_pkey; Type: CONSTRAINT; Schema: dashboard; Owner: dashboard
--

ALTER TABLE ONLY dashboard.outbox
    ADD CONSTRAINT outbox_pkey PRIMARY KEY (id);


--
-- Name: sites sites_key_key; Type: CONSTRAINT; Schema: dashboard; Owner: dashboard
--

ALTER TABLE ONLY dashboard.sites
    ADD CONSTRAINT sites_key_key UNIQUE (key);


--
-- Name: sites sites_name_key; Type: CONSTRAINT; Schema: dashboard; Owner: dashboard
--

ALTER TABLE ONLY dashboard.sites
    ADD CONSTRAINT sites_name_key UNIQUE (name);


--
-- Name: sites sites_pkey; Type: CONSTRAINT; Schema: dashboard; Owner: dashboard
--

ALTER TABLE ONLY dashboard.sites
    ADD CONSTRAINT sites_pkey PRIMARY KEY (id);


--
-- Name: messages uq_messages_conversation_seq; Type: CONSTRAINT; Schema: dashboard; Owner: dashboard
--

ALTER TABLE ONLY dashboard.messages
    ADD CONSTRAINT uq_messages_conversation_seq UNIQUE (conversation, seq);


--
-- Name: messages uq_messages_idempotency_key; Type: CONSTRAINT; Schema: dashboard; Owner: dashboard
--

ALTER TABLE ONLY dashboard.messages
    ADD CONSTRAINT uq_messages_idempotency_key UNIQUE (conversation, idempotency_key);


--
-- Name: visitors visitors_older_token_key; Type: CONSTRAINT; Schema: dashboard; Owner: dashboard
--

ALTER TABLE ONLY dashboard.visitors
    ADD CONSTRAINT visitors_older_token_key UNIQUE (older_token);


--
-- Name: visitors visitors_pkey; Type: CONSTRAINT; Schema: dashboard; Owner: dashboard
--

ALTER TABLE ONLY dashboard.visitors
    ADD CONSTRAINT visitors_pkey PRIMARY KEY (id);


--
-- Name: visitors visitors_token_key; Type: CONSTRAINT; Schema: dashboard; Owner: dashboard
--

ALTER TABLE ONLY dashboard.visitors
    ADD CONSTRAINT visitors_token_key UNIQUE (token);


--
-- Name: alembic_version alembic_version_pkc; Type: CONSTRAINT; Schema: desk; Owner: desk
--

ALTER TABLE ONLY desk.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);


--
-- Name: agent_links pk_agent_links; Type: CONSTRAINT; Schema: desk; Owner: desk
--

ALTER TABLE ONLY desk.agent_links
    ADD CONSTRAINT pk_agent_links PRIMARY KEY (token_hash);


--
-- Name: agents pk_agents; Type: CONSTRAINT; Schema: desk; Owner: desk
--

ALTER TABLE ONLY desk.agents
    ADD CONSTRAINT pk_agents PRIMARY KEY (id);


--
-- Name: api_tokens pk_api_tokens; Type: CONSTRAINT; Schema: desk; Owner: desk
--

ALTER TABLE ONLY desk.api_tokens
    ADD CONSTRAINT pk_api_tokens PRIMARY KEY (token_hash);


--
-- Name: audit_log pk_audit_log; Type: CONSTRAINT; Schema: desk; Owner: desk
--

ALTER TABLE ONLY desk.audit_log
    ADD CONSTRAINT pk_audit_log PRIMARY KEY (id);


--
-- Name: burst_posts pk_burst_posts; Type: CONSTRAINT; Schema: desk; Owner: desk
--

ALTER TABLE ONLY desk.burst_posts
    ADD CONSTRAINT pk_burst_posts PRIMARY KEY (message_id);


--
-- Name: call_requests pk_call_requests; Type: CONSTRAINT; Schema: desk; Owner: desk
--

ALTER TABLE ONLY desk.call_requests
    ADD CONSTRAINT pk_call_requests PRIMARY KEY (id);


--
-- Name: calls pk_calls; Type: CONSTRAINT; Schema: desk; Owner: desk
--

ALTER TABLE ONLY desk.calls
    ADD CONSTRAINT pk_calls PRIMARY KEY (call_id);


--
-- Name: contact_points pk_contact_points; Type: CONSTRAINT; Schema: desk; Owner: desk
--

ALTER TABLE ONLY desk.contact_points
    ADD CONSTRAINT pk_contact_points PRIMARY KEY (point);


--
-- Name: customer_words pk_customer_words; Type: CONSTRAINT; Schema: desk; Owner: desk
--

ALTER TABLE ONLY desk.customer_words
    ADD CONSTRAINT pk_customer_words PRIMARY KEY (customer_id);


--
-- Name: customers pk_customers; Type: CONSTRAINT; Schema: desk; Owner: desk
--

ALTER TABLE ONLY desk.customers
    ADD CONSTRAINT pk_customers PRIMARY KEY (id);


--
-- Name: display_links pk_display_links; Type: CONSTRAINT; Schema: desk; Owner: desk
--

ALTER TABLE ONLY desk.display_links
    ADD CONSTRAINT pk_display_links PRIMARY KEY (id);


--
-- Name: mentions pk_mentions; Type: CONSTRAINT; Schema: desk; Owner: desk
--

ALTER TABLE ONLY desk.mentions
    ADD CONSTRAINT pk_mentions PRIMARY KEY (id);


--
-- Name: message_words pk_message_words; Type: CONSTRAINT; Schema: desk; Owner: desk
--

ALTER TABLE ONLY desk.message_words
    ADD CONSTRAINT pk_message_words PRIMARY KEY (ticket_id, message_id);


--
-- Name: messages pk_messages; Type: CONSTRAINT; Schema: desk; Owner: desk
--

ALTER TABLE ONLY desk.messages
    ADD CONSTRAINT pk_messages PRIMARY KEY (id);


--
-- Name: outbox pk_outbox; Type: CONSTRAINT; Schema: desk; Owner: desk
--

ALTER TABLE ONLY desk.outbox
    ADD CONSTRAINT pk_outbox PRIMARY KEY (id);


--
-- Name: recovery_codes pk_recovery_codes; Type: CONSTRAINT; Schema: desk; Owner: desk
--

ALTER TABLE ONLY desk.recovery_codes
    ADD CONSTRAINT pk_recovery_codes PRIMARY KEY (code_hash);


--
-- Name: search_progress pk_search_progress; Type: CONSTRAINT; Schema: desk; Owner: desk
--

ALTER TABLE ONLY desk.search_progress
    ADD CONSTRAINT pk_search_progress PRIMARY KEY (what);


--
-- Name: sessions pk_sessions; Type: CONSTRAINT; Schema: desk; Owner: desk
--

ALTER TABLE ONLY desk.sessions
    ADD CONSTRAINT pk_sessions PRIMARY KEY (token_hash);


--
-- Name: ticket_events pk_ticket_events; Type: CONSTRAINT; Schema: desk; Owner: desk
--

ALTER TABLE ONLY desk.ticket_events
    ADD CONSTRAINT pk_ticket_events PRIMARY KEY (seq);


--
-- Name: tickets pk_tickets; Type: CONSTRAINT; Schema: desk; Owner: desk
--

ALTER TABLE ONLY desk.tickets
    ADD CONSTRAINT pk_tickets PRIMARY KEY (id);


--
-- Name: agents uq_agents_email; Type: CONSTRAINT; Schema: desk; Owner: desk
--

ALTER TABLE ONLY desk.agents
    ADD CONSTRAINT uq_agents_email UNIQUE (email);


--
-- Name: sessions uq_sessions_id; Type: CONSTRAINT; Schema: desk; Owner: desk
--

ALTER TABLE ONLY desk.sessions
    ADD CONSTRAINT uq_sessions_id UNIQUE (id);


--
-- Name: tickets uq_tickets_number; Type: CONSTRAINT; Schema: desk; Owner: desk
--

ALTER TABLE ONLY desk.tickets
    ADD CONSTRAINT uq_tickets_number UNIQUE (number);


--
-- Name: alembic_version alembic_version_pkc; Type: CONSTRAINT; Schema: email; Owner: email
--

ALTER TABLE ONLY email.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);


--
-- Name: deliveries deliveries_pkey; Type: CONSTRAINT; Schema: email; Owner: email
--

ALTER TABLE ONLY email.deliveries
    ADD CONSTRAINT deliveries_pkey PRIMARY KEY (outbound_id);


--
-- Name: outbox outbox_pkey; Type: CONSTRAINT; Schema: email; Owner: email
--

ALTER TABLE ONLY email.outbox
    ADD CONSTRAINT outbox_pkey PRIMARY KEY (id);


--
-- Name: alembic_version alembic_version_pkc; Type: CONSTRAINT; Schema: phone; Owner: phone
--

ALTER TABLE ONLY phone.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);


--
-- Name: callers callers_pkey; Type: CONSTRAINT; Schema: phone; Owner: phone
--

ALTER TABLE ONLY phone.callers
    ADD CONSTRAINT callers_pkey PRIMARY KEY (point);


--
-- Name: calls calls_pkey; Type: CONSTRAINT; Schema: phone; Owner: phone
--

ALTER TABLE ONLY phone.calls
    ADD CONSTRAINT calls_pkey PRIMARY KEY (id);


--
-- Name: consents consents_pkey; Type: CONSTRAINT; Schema: phone; Owner: phone
--

ALTER TABLE ONLY phone.consents
    ADD CONSTRAINT consents_pkey PRIMARY KEY (point);


--
-- Name: deliveries deliveries_pkey; Type: CONSTRAINT; Schema: phone; Owner: phone
--

ALTER TABLE ONLY phone.deliveries
    ADD CONSTRAINT deliveries_pkey PRIMARY KEY (outbound_id);


--
-- Name: facts facts_pkey; Type: CONSTRAINT; Schema: phone; Owner: phone
--

ALTER TABLE ONLY phone.facts
    ADD CONSTRAINT facts_pkey PRIMARY KEY (call_id, key);


--
-- Name: fetches fetches_pkey; Type: CONSTRAINT; Schema: phone; Owner: phone
--

ALTER TABLE ONLY phone.fetches
    ADD CONSTRAINT fetches_pkey PRIMARY KEY (id);


--
-- Name: outbox outbox_pkey; Type: CONSTRAINT; Schema: phone; Owner: phone
--

ALTER TABLE ONLY phone.outbox
    ADD CONSTRAINT outbox_pkey PRIMARY KEY (id);


--
-- Name: requests requests_pkey; Type: CONSTRAINT; Schema: phone; Owner: phone
--

ALTER TABLE ONLY phone.requests
    ADD CONSTRAINT requests_pkey PRIMARY KEY (id);


--
-- Name: texts texts_pkey; Type: CONSTRAINT; Schema: phone; Owner: phone
--

ALTER TABLE ONLY phone.texts
    ADD CONSTRAINT texts_pkey PRIMARY KEY (sid);


--
-- Name: alembic_version alembic_version_pkc; Type: CONSTRAINT; Schema: social; Owner: social
--

ALTER TABLE ONLY social.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);


--
-- Name: corrections corrections_pkey; Type: CONSTRAINT; Schema: social; Owner: social
--

ALTER TABLE ONLY social.corrections
    ADD CONSTRAINT corrections_pkey PRIMARY KEY (post_id);


--
-- Name: cursors cursors_pkey; Type: CONSTRAINT; Schema: social; Owner: social
--

ALTER TABLE ONLY social.cursors
    ADD CONSTRAINT cursors_pkey PRIMARY KEY (source);


--
-- Name: deliveries deliveries_pkey; Type: CONSTRAINT; Schema: social; Owner: social
--

ALTER TABLE ONLY social.deliveries
    ADD CONSTRAINT deliveries_pkey PRIMARY KEY (outbound_id);


--
-- Name: models models_pkey; Type: CONSTRAINT; Schema: social; Owner: social
--

ALTER TABLE ONLY social.models
    ADD CONSTRAINT models_pkey PRIMARY KEY (version);


--
-- Name: outbox outbox_pkey; Type: CONSTRAINT; Schema: social; Owner: social
--

ALTER TABLE ONLY social.outbox
    ADD CONSTRAINT outbox_pkey PRIMARY KEY (id);


--
-- Name: posts posts_pkey; Type: CONSTRAINT; Schema: social; Owner: social
--

ALTER TABLE ONLY social.posts
    ADD CONSTRAINT posts_pkey PRIMARY KEY (id);


--
-- Name: ix_conversations_also; Type: INDEX; Schema: dashboard; Owner: dashboard
--

CREATE INDEX ix_conversations_also ON dashboard.conversations USING gin (also);


--
-- Name: ix_messages_undelivered; Type: INDEX; Schema: dashboard; Owner: dashboard
--

CREATE INDEX ix_messages_undelivered ON dashboard.messages USING btree (conversation, seq) WHERE ((NOT incoming) AND (delivered_at IS NULL));


--
-- Name: ix_messages_unpublished; Type: INDEX; Schema: dashboard; Owner: dashboard
--

CREATE INDEX ix_messages_unpublished ON dashboard.messages USING btree (at) WHERE (event IS NOT NULL);


--
-- Name: ix_visitors_expires_at; Type: INDEX; Schema: dashboard; Owner: dashboard
--

CREATE INDEX ix_visitors_expires_at ON dashboard.visitors USING btree (expires_at);


--
-- Name: ix_agent_links_agent_id; Type: INDEX; Schema: desk; Owner: desk
--

CREATE INDEX ix_agent_links_agent_id ON desk.agent_links USING btree (agent_id);


--
-- Name: ix_audit_log_actor; Type: INDEX; Schema: desk; Owner: desk
--

CREATE INDEX ix_audit_log_actor ON desk.audit_log USING btree (actor, id);


--
-- Name: ix_audit_log_kind; Type: INDEX; Schema: desk; Owner: desk
--

CREATE INDEX ix_audit_log_kind ON desk.audit_log USING btree (kind, id);


--
-- Name: ix_audit_log_subject; Type: INDEX; Schema: desk; Owner: desk
--

CREATE INDEX ix_audit_log_subject ON desk.audit_log USING btree (subject, id);


--
-- Name: ix_burst_posts_at; Type: INDEX; Schema: desk; Owner: desk
--

CREATE INDEX ix_burst_posts_at ON desk.burst_posts USING btree (at);


--
-- Name: ix_call_requests_call_id; Type: INDEX; Schema: desk; Owner: desk
--

CREATE INDEX ix_call_requests_call_id ON desk.call_requests USING btree (call_id);


--
-- Name: ix_call_requests_ticket_id; Type: INDEX; Schema: desk; Owner: desk
--

CREATE INDEX ix_call_requests_ticket_id ON desk.call_requests USING btree (ticket_id, requested_at);


--
-- Name: ix_calls_ended; Type: INDEX; Schema: desk; Owner: desk
--

CREATE INDEX ix_calls_ended ON desk.calls USING btree (ended_at) WHERE (connected_at IS NOT NULL);


--
-- Name: ix_calls_open; Type: INDEX; Schema: desk; Owner: desk
--

CREATE INDEX ix_calls_open ON desk.calls USING btree (state) WHERE (state = ANY (ARRAY['queued'::text, 'offered'::text, 'bridging'::text, 'connected'::text, 'wrap-up'::text]));


--
-- Name: ix_calls_ticket_id; Type: INDEX; Schema: desk; Owner: desk
--

CREATE INDEX ix_calls_ticket_id ON desk.calls USING btree (ticket_id, at);


--
-- Name: ix_calls_unlinked; Type: INDEX; Schema: desk; Owner: desk
--

CREATE INDEX ix_calls_unlinked ON desk.calls USING btree (at) WHERE (ticket_id IS NULL);


--
-- Name: ix_contact_points_customer_id; Type: INDEX; Schema: desk; Owner: desk
--

CREATE INDEX ix_contact_points_customer_id ON desk.contact_points USING btree (customer_id);


--
-- Name: ix_customer_words_words; Type: INDEX; Schema: desk; Owner: desk
--

CREATE INDEX ix_customer_words_words ON desk.customer_words USING gin (words) WITH (gin_pending_list_limit='512');


--
-- Name: ix_customers_late_at; Type: INDEX; Schema: desk; Owner: desk
--

CREATE INDEX ix_customers_late_at ON desk.customers USING btree (late_at) WHERE (late_at IS NOT NULL);


--
-- Name: ix_mentions_newest; Type: INDEX; Schema: desk; Owner: desk
--

CREATE INDEX ix_mentions_newest ON desk.mentions USING btree (at, id);


--
-- Name: ix_mentions_search; Type: INDEX; Schema: desk; Owner: desk
--

CREATE INDEX ix_mentions_search ON desk.mentions USING gin (text extensions.gin_trgm_ops);


--
-- Name: ix_message_words_words; Type: INDEX; Schema: desk; Owner: desk
--

CREATE INDEX ix_message_words_words ON desk.message_words USING gin (words) WITH (gin_pending_list_limit='512');


--
-- Name: ix_messages_applied_at; Type: INDEX; Schema: desk; Owner: desk
--

CREATE INDEX ix_messages_applied_at ON desk.messages USING btree (applied_at) INCLUDE (channel, at, taken_at, routed_at) WHERE (applied_at IS NOT NULL);


--
-- Name: ix_messages_callbacks; Type: INDEX; Schema: desk; Owner: desk
--

CREATE INDEX ix_messages_callbacks ON desk.messages USING btree (at, ticket_id) WHERE ((facts ->> 'callback'::text) = 'wanted'::text);


--
-- Name: ix_messages_calls; Type: INDEX; Schema: desk; Owner: desk
--

CREATE INDEX ix_messages_calls ON desk.messages USING btree (conversation, at) WHERE ((channel = 'phone'::text) AND (direction = 'in'::text));


--
-- Name: ix_messages_inbound; Type: INDEX; Schema: desk; Owner: desk
--

CREATE INDEX ix_messages_inbound ON desk.messages USING btree (at, channel) WHERE (direction = 'in'::text);


--
-- Name: ix_messages_mail_after; Type: INDEX; Schema: desk; Owner: desk
--

CREATE INDEX ix_messages_mail_after ON desk.messages USING btree (mail_after) WHERE (mail_after IS NOT NULL);


--
-- Name: ix_messages_sent_at; Type: INDEX; Schema: desk; Owner: desk
--

CREATE INDEX ix_messages_sent_at ON desk.messages USING btree (sent_at) INCLUDE (channel, at) WHERE (sent_at IS NOT NULL);


--
-- Name: ix_messages_ticket_id; Type: INDEX; Schema: desk; Owner: desk
--

CREATE INDEX ix_messages_ticket_id ON desk.messages USING btree (ticket_id, at, id);


--
-- Name: ix_recovery_codes_agent_id; Type: INDEX; Schema: desk; Owner: desk
--

CREATE INDEX ix_recovery_codes_agent_id ON desk.recovery_codes USING btree (agent_id);


--
-- Name: ix_sessions_agent_id; Type: INDEX; Schema: desk; Owner: desk
--

CREATE INDEX ix_sessions_agent_id ON desk.sessions USING btree (agent_id);


--
-- Name: ix_sessions_expires_at; Type: INDEX; Schema: desk; Owner: desk
--

CREATE INDEX ix_sessions_expires_at ON desk.sessions USING btree (expires_at);


--
-- Name: ix_ticket_events_ticket_id; Type: INDEX; Schema: desk; Owner: desk
--

CREATE INDEX ix_ticket_events_ticket_id ON desk.ticket_events USING btree (ticket_id, seq);


--
-- Name: ix_tickets_all_newest; Type: INDEX; Schema: desk; Owner: desk
--

CREATE INDEX ix_tickets_all_newest ON desk.tickets USING btree (last_message_at, id);


--
-- Name: ix_tickets_assignee_id; Type: INDEX; Schema: desk; Owner: desk
--

CREATE INDEX ix_tickets_assignee_id ON desk.tickets USING btree (assignee_id, status, rank, queue_at, id);


--
-- Name: ix_tickets_burst_id; Type: INDEX; Schema: desk; Owner: desk
--

CREATE INDEX ix_tickets_burst_id ON desk.tickets USING btree (burst_id) WHERE (burst_id <> ''::text);


--
-- Name: ix_tickets_callbacks; Type: INDEX; Schema: desk; Owner: desk
--

CREATE INDEX ix_tickets_callbacks ON desk.tickets USING btree (rank, waiting_since) WHERE ((status = 'open'::text) AND (waiting_since IS NOT NULL) AND (((channels -> 0) ->> 'channel'::text) = 'phone'::text));


--
-- Name: ix_tickets_customer_id; Type: INDEX; Schema: desk; Owner: desk
--

CREATE INDEX ix_tickets_customer_id ON desk.tickets USING btree (customer_id, last_message_at);


--
-- Name: ix_tickets_first_reply_at; Type: INDEX; Schema: desk; Owner: desk
--

CREATE INDEX ix_tickets_first_reply_at ON desk.tickets USING btree (first_reply_at) INCLUDE (created_at);


--
-- Name: ix_tickets_group_id; Type: INDEX; Schema: desk; Owner: desk
--

CREATE INDEX ix_tickets_group_id ON desk.tickets USING btree (group_id) WHERE (group_id IS NOT NULL);


--
-- Name: ix_tickets_linked_to; Type: INDEX; Schema: desk; Owner: desk
--

CREATE INDEX ix_tickets_linked_to ON desk.tickets USING btree (linked_to) WHERE (linked_to IS NOT NULL);


--
-- Name: ix_tickets_newest; Type: INDEX; Schema: desk; Owner: desk
--

CREATE INDEX ix_tickets_newest ON desk.tickets USING btree (status, last_message_at, id);


--
-- Name: ix_tickets_priority; Type: INDEX; Schema: desk; Owner: desk
--

CREATE INDEX ix_tickets_priority ON desk.tickets USING btree (status, rank, queue_at, id);


--
-- Name: ix_tickets_team; Type: INDEX; Schema: desk; Owner: desk
--

CREATE INDEX ix_tickets_team ON desk.tickets USING btree (team, status, rank, queue_at, id);


--
-- Name: ix_tickets_thread_key; Type: INDEX; Schema: desk; Owner: desk
--

CREATE INDEX ix_tickets_thread_key ON desk.tickets USING hash (thread_key);


--
-- Name: ix_tickets_waiting; Type: INDEX; Schema: desk; Owner: desk
--

CREATE INDEX ix_tickets_waiting ON desk.tickets USING btree (due_at, team, waiting_since) INCLUDE (skills) WHERE ((status = 'open'::text) AND (waiting_since IS NOT NULL));


--
-- Name: ix_tickets_widens_at; Type: INDEX; Schema: desk; Owner: desk
--

CREATE INDEX ix_tickets_widens_at ON desk.tickets USING btree (widens_at) WHERE ((status = 'open'::text) AND (waiting_since IS NOT NULL) AND (assignee_id IS NULL));


--
-- Name: ix_deliveries_due; Type: INDEX; Schema: email; Owner: email
--

CREATE INDEX ix_deliveries_due ON email.deliveries USING btree (due_at) WHERE (state = ANY (ARRAY['waiting'::text, 'sending'::text]));


--
-- Name: ix_deliveries_recipient; Type: INDEX; Schema: email; Owner: email
--

CREATE INDEX ix_deliveries_recipient ON email.deliveries USING btree (recipient, "position");


--
-- Name: ix_deliveries_returned_by; Type: INDEX; Schema: email; Owner: email
--

CREATE INDEX ix_deliveries_returned_by ON email.deliveries USING btree (returned_by) WHERE (returned_by <> ''::text);


--
-- Name: ix_deliveries_ticket_id; Type: INDEX; Schema: email; Owner: email
--

CREATE INDEX ix_deliveries_ticket_id ON email.deliveries USING btree (ticket_id, "position");


--
-- Name: ix_deliveries_under_way; Type: INDEX; Schema: email; Owner: email
--

CREATE INDEX ix_deliveries_under_way ON email.deliveries USING btree (ticket_id, "position") WHERE (state = ANY (ARRAY['waiting'::text, 'sending'::text]));


--
-- Name: ix_calls_connected; Type: INDEX; Schema: phone; Owner: phone
--

CREATE INDEX ix_calls_connected ON phone.calls USING btree (connected_at) WHERE (connected_at IS NOT NULL);


--
-- Name: ix_calls_due; Type: INDEX; Schema: phone; Owner: phone
--

CREATE INDEX ix_calls_due ON phone.calls USING btree (due_at) WHERE (due_at IS NOT NULL);


--
-- Name: ix_calls_going_on; Type: INDEX; Schema: phone; Owner: phone
--

CREATE INDEX ix_calls_going_on ON phone.calls USING btree (heard_at) WHERE (NOT over);


--
-- Name: ix_calls_waiting; Type: INDEX; Schema: phone; Owner: phone
--

CREATE INDEX ix_calls_waiting ON phone.calls USING btree (waiting_since) WHERE (state = ANY (ARRAY['queued'::text, 'offered'::text]));


--
-- Name: ix_deliveries_due; Type: INDEX; Schema: phone; Owner: phone
--

CREATE INDEX ix_deliveries_due ON phone.deliveries USING btree (due_at) WHERE (state = ANY (ARRAY['waiting'::text, 'sending'::text]));


--
-- Name: ix_deliveries_sid; Type: INDEX; Schema: phone; Owner: phone
--

CREATE INDEX ix_deliveries_sid ON phone.deliveries USING btree (sid) WHERE (sid <> ''::text);


--
-- Name: ix_deliveries_under_way; Type: INDEX; Schema: phone; Owner: phone
--

CREATE INDEX ix_deliveries_under_way ON phone.deliveries USING btree (ticket_id, place) WHERE (state = ANY (ARRAY['waiting'::text, 'sending'::text]));


--
-- Name: ix_requests_due; Type: INDEX; Schema: phone; Owner: phone
--

CREATE INDEX ix_requests_due ON phone.requests USING btree (due_at) WHERE (state <> 'done'::text);


--
-- Name: ix_requests_subject; Type: INDEX; Schema: phone; Owner: phone
--

CREATE INDEX ix_requests_subject ON phone.requests USING btree (subject) WHERE (subject <> ''::text);


--
-- Name: ix_deliveries_under_way; Type: INDEX; Schema: social; Owner: social
--

CREATE INDEX ix_deliveries_under_way ON social.deliveries USING btree (ticket_id, "position") WHERE (state = ANY (ARRAY['waiting'::text, 'sending'::text]));


--
-- Name: ix_posts_complaints; Type: INDEX; Schema: social; Owner: social
--

CREATE INDEX ix_posts_complaints ON social.posts USING btree (received_at) WHERE (kind = 'complaint'::text);


--
-- Name: ix_posts_mentions; Type: INDEX; Schema: social; Owner: social
--

CREATE INDEX ix_posts_mentions ON social.posts USING btree (received_at, id) WHERE (outcome = 'mention'::text);


--
-- Name: ix_posts_thread; Type: INDEX; Schema: social; Owner: social
--

CREATE INDEX ix_posts_thread ON social.posts USING btree (thread) WHERE (outcome = 'ticket'::text);


--
-- Name: uq_models_active; Type: INDEX; Schema: social; Owner: social
--

CREATE UNIQUE INDEX uq_models_active ON social.models USING btree (active) WHERE active;


--
-- Name: audit_log only_added_to; Type: TRIGGER; Schema: desk; Owner: desk
--

CREATE TRIGGER only_added_to BEFORE DELETE OR UPDATE OR TRUNCATE ON desk.audit_log FOR EACH STATEMENT EXECUTE FUNCTION desk.refuse_change();


--
-- Name: conversations conversations_merged_into_fkey; Type: FK CONSTRAINT; Schema: dashboard; Owner: dashboard
--

ALTER TABLE ONLY dashboard.conversations
    ADD CONSTRAINT conversations_merged_into_fkey FOREIGN KEY (merged_into) REFERENCES dashboard.conversations(id);


--
-- Name: conversations conversations_site_fkey; Type: FK CONSTRAINT; Schema: dashboard; Owner: dashboard
--

ALTER TABLE ONLY dashboard.conversations
    ADD CONSTRAINT conversations_site_fkey FOREIGN KEY (site) REFERENCES dashboard.sites(id);


--
-- Name: messages messages_conversation_fkey; Type: FK CONSTRAINT; Schema: dashboard; Owner: dashboard
--

ALTER TABLE ONLY dashboard.messages
    ADD CONSTRAINT messages_conversation_fkey FOREIGN KEY (conversation) REFERENCES dashboard.conversations(id);


--
-- Name: visitors visitors_site_fkey; Type: FK CONSTRAINT; Schema: dashboard; Owner: dashboard
--

ALTER TABLE ONLY dashboard.visitors
    ADD CONSTRAINT visitors_site_fkey FOREIGN KEY (site) REFERENCES dashboard.sites(id);


--
-- Name: agent_links fk_agent_links_agent_id_agents; Type: FK CONSTRAINT; Schema: desk; Owner: desk
--

ALTER TABLE ONLY desk.agent_links
    ADD CONSTRAINT fk_agent_links_agent_id_agents FOREIGN KEY (agent_id) REFERENCES desk.agents(id) ON DELETE CASCADE;


--
-- Name: call_requests fk_call_requests_ticket_id_tickets; Type: FK CONSTRAINT; Schema: desk; Owner: desk
--

ALTER TABLE ONLY desk.call_requests
    ADD CONSTRAINT fk_call_requests_ticket_id_tickets FOREIGN KEY (ticket_id) REFERENCES desk.tickets(id);


--
-- Name: calls fk_calls_ticket_id_tickets; Type: FK CONSTRAINT; Schema: desk; Owner: desk
--

ALTER TABLE ONLY desk.calls
    ADD CONSTRAINT fk_calls_ticket_id_tickets FOREIGN KEY (ticket_id) REFERENCES desk.tickets(id);


--
-- Name: contact_points fk_contact_points_customer_id_customers; Type: FK CONSTRAINT; Schema: desk; Owner: desk
--

ALTER TABLE ONLY desk.contact_points
    ADD CONSTRAINT fk_contact_points_customer_id_customers FOREIGN KEY (customer_id) REFERENCES desk.customers(id);


--
-- Name: customer_words fk_customer_words_customer_id_customers; Type: FK CONSTRAINT; Schema: desk; Owner: desk
--

ALTER TABLE ONLY desk.customer_words
    ADD CONSTRAINT fk_customer_words_customer_id_customers FOREIGN KEY (customer_id) REFERENCES desk.customers(id) ON DELETE CASCADE;


--
-- Name: message_words fk_message_words_message_id_messages; Type: FK CONSTRAINT; Schema: desk; Owner: desk
--

ALTER TABLE ONLY desk.message_words
    ADD CONSTRAINT fk_message_words_message_id_messages FOREIGN KEY (message_id) REFERENCES desk.messages(id) ON DELETE CASCADE;


--
-- Name: messages fk_messages_ticket_id_tickets; Type: FK CONSTRAINT; Schema: desk; Owner: desk
--

ALTER TABLE ONLY desk.messages
    ADD CONSTRAINT fk_messages_ticket_id_tickets FOREIGN KEY (ticket_id) REFERENCES desk.tickets(id);


--
-- Name: recovery_codes fk_recovery_codes_agent_id_agents; Type: FK CONSTRAINT; Schema: desk; Owner: desk
--

ALTER TABLE ONLY desk.recovery_codes
    ADD CONSTRAINT fk_recovery_codes_agent_id_agents FOREIGN KEY (agent_id) REFERENCES desk.agents(id) ON DELETE CASCADE;


--
-- Name: sessions fk_sessions_agent_id_agents; Type: FK CONSTRAINT; Schema: desk; Owner: desk
--

ALTER TABLE ONLY desk.sessions
    ADD CONSTRAINT fk_sessions_agent_id_agents FOREIGN KEY (agent_id) REFERENCES desk.agents(id) ON DELETE CASCADE;


--
-- Name: ticket_events fk_ticket_events_ticket_id_tickets; Type: FK CONSTRAINT; Schema: desk; Owner: desk
--

ALTER TABLE ONLY desk.ticket_events
    ADD CONSTRAINT fk_ticket_events_ticket_id_tickets FOREIGN KEY (ticket_id) REFERENCES desk.tickets(id);


--
-- Name: tickets fk_tickets_assignee_id_agents; Type: FK CONSTRAINT; Schema: desk; Owner: desk
--

ALTER TABLE ONLY desk.tickets
    ADD CONSTRAINT fk_tickets_assignee_id_agents FOREIGN KEY (assignee_id) REFERENCES desk.agents(id);


--
-- Name: tickets fk_tickets_customer_id_customers; Type: FK CONSTRAINT; Schema: desk; Owner: desk
--

ALTER TABLE ONLY desk.tickets
    ADD CONSTRAINT fk_tickets_customer_id_customers FOREIGN KEY (customer_id) REFERENCES desk.customers(id);


--
-- Name: tickets fk_tickets_group_id_tickets; Type: FK CONSTRAINT; Schema: desk; Owner: desk
--

ALTER TABLE ONLY desk.tickets
    ADD CONSTRAINT fk_tickets_group_id_tickets FOREIGN KEY (group_id) REFERENCES desk.tickets(id);


--
-- Name: tickets fk_tickets_linked_to_tickets; Type: FK CONSTRAINT; Schema: desk; Owner: desk
--

ALTER TABLE ONLY desk.tickets
    ADD CONSTRAINT fk_tickets_linked_to_tickets FOREIGN KEY (linked_to) REFERENCES desk.tickets(id);


--
-- Name: facts facts_call_id_fkey; Type: FK CONSTRAINT; Schema: phone; Owner: phone
--

ALTER TABLE ONLY phone.facts
    ADD CONSTRAINT facts_call_id_fkey FOREIGN KEY (call_id) REFERENCES phone.calls(id);


--
-- PostgreSQL database dump complete
--

\unrestrict 1XtHffshEuGUBoOZdzJtScwwO8ZLywUc8b4VUnDnPfAzaHC0gAMu1q5pWDHQuwq

