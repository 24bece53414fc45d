CREATE TABLE approval (
	concerns VARCHAR COLLATE "C" NOT NULL,
	jurisdiction VARCHAR COLLATE "C" NOT NULL,
	decision VARCHAR COLLATE "C",
	asked_at VARCHAR COLLATE "C" NOT NULL,
	due_at VARCHAR COLLATE "C" NOT NULL,
	decided_at VARCHAR COLLATE "C",
	statement_id VARCHAR COLLATE "C",
	PRIMARY KEY (concerns, jurisdiction)
);
CREATE INDEX approval_by_decision ON approval (decision, asked_at);
CREATE TABLE audit (
	number BIGINT NOT NULL,
	at VARCHAR COLLATE "C" NOT NULL,
	kind VARCHAR COLLATE "C" NOT NULL,
	actor VARCHAR COLLATE "C" NOT NULL,
	role VARCHAR COLLATE "C" NOT NULL,
	token BIGINT,
	act VARCHAR COLLATE "C" NOT NULL,
	asked VARCHAR COLLATE "C",
	count BIGINT NOT NULL,
	purpose VARCHAR COLLATE "C",
	legal_basis VARCHAR COLLATE "C",
	nonce VARCHAR COLLATE "C" NOT NULL,
	leaf BYTEA NOT NULL,
	PRIMARY KEY (number)
);
CREATE INDEX audit_by_act ON audit (act, number);
CREATE INDEX audit_by_actor ON audit (actor, number);
CREATE INDEX ix_audit_at ON audit (at);
CREATE TABLE audit_state (
	id BIGSERIAL NOT NULL,
	last BIGINT NOT NULL,
	kept_from BIGINT NOT NULL,
	PRIMARY KEY (id)
);
CREATE TABLE checkpoint (
	size BIGSERIAL NOT NULL,
	root BYTEA NOT NULL,
	note BYTEA NOT NULL,
	signed_at VARCHAR COLLATE "C" NOT NULL,
	PRIMARY KEY (size)
);
CREATE TABLE disagreement (
	digest VARCHAR COLLATE "C" NOT NULL,
	log VARCHAR COLLATE "C" NOT NULL,
	first BYTEA NOT NULL,
	second BYTEA NOT NULL,
	proven BOOLEAN NOT NULL,
	detail VARCHAR COLLATE "C" NOT NULL,
	found_at VARCHAR COLLATE "C" NOT NULL,
	PRIMARY KEY (digest)
);
CREATE INDEX ix_disagreement_log ON disagreement (log);
CREATE TABLE "grant" (
	record VARCHAR COLLATE "C" NOT NULL,
	jurisdiction VARCHAR COLLATE "C" NOT NULL,
	statement_id VARCHAR COLLATE "C" NOT NULL,
	PRIMARY KEY (record, jurisdiction)
);
CREATE TABLE group_member (
	owner VARCHAR COLLATE "C" NOT NULL,
	name VARCHAR COLLATE "C" NOT NULL,
	jurisdiction VARCHAR COLLATE "C" NOT NULL,
	PRIMARY KEY (owner, name, jurisdiction)
);
CREATE TABLE hold (
	record VARCHAR COLLATE "C" NOT NULL,
	authority VARCHAR COLLATE "C" NOT NULL,
	placed_at VARCHAR COLLATE "C" NOT NULL,
	statement_id VARCHAR COLLATE "C" NOT NULL,
	PRIMARY KEY (record)
);
CREATE TABLE job (
	job_id BIGSERIAL NOT NULL,
	kind VARCHAR COLLATE "C" NOT NULL,
	subject VARCHAR COLLATE "C" NOT NULL,
	state VARCHAR COLLATE "C" NOT NULL,
	attempts BIGINT NOT NULL,
	ended BIGINT NOT NULL,
	not_before VARCHAR COLLATE "C" NOT NULL,
	owner VARCHAR COLLATE "C",
	lease_until VARCHAR COLLATE "C",
	error VARCHAR COLLATE "C",
	PRIMARY KEY (job_id),
	UNIQUE (kind, subject)
);
CREATE INDEX job_due ON job (kind, state, not_before);
CREATE TABLE legal_basis (
	jurisdiction VARCHAR COLLATE "C" NOT NULL,
	kind VARCHAR COLLATE "C" NOT NULL,
	rule VARCHAR COLLATE "C" NOT NULL,
	article VARCHAR COLLATE "C" NOT NULL,
	review_by VARCHAR COLLATE "C" NOT NULL,
	PRIMARY KEY (jurisdiction, kind)
);
CREATE TABLE log_check (
	id BIGSERIAL NOT NULL,
	checked_at VARCHAR COLLATE "C" NOT NULL,
	good BOOLEAN NOT NULL,
	report VARCHAR COLLATE "C" NOT NULL,
	PRIMARY KEY (id)
);
CREATE TABLE log_node (
	level BIGINT NOT NULL,
	position BIGINT NOT NULL,
	hash BYTEA NOT NULL,
	PRIMARY KEY (level, position)
);
CREATE TABLE log_start (
	id BIGSERIAL NOT NULL,
	state VARCHAR COLLATE "C" NOT NULL,
	restored BOOLEAN NOT NULL,
	began_at VARCHAR COLLATE "C" NOT NULL,
	detail VARCHAR COLLATE "C",
	PRIMARY KEY (id)
);
CREATE TABLE log_state (
	id BIGSERIAL NOT NULL,
	size BIGINT NOT NULL,
	keys_since BIGINT NOT NULL,
	PRIMARY KEY (id)
);
CREATE TABLE lost (
	log_index BIGINT NOT NULL,
	leaf BYTEA NOT NULL,
	found_at VARCHAR COLLATE "C" NOT NULL,
	PRIMARY KEY (log_index)
);
CREATE TABLE node_hours (
	node_id VARCHAR COLLATE "C" NOT NULL,
	day VARCHAR COLLATE "C" NOT NULL,
	asked BIGINT NOT NULL,
	answered BIGINT NOT NULL,
	PRIMARY KEY (node_id, day)
);
CREATE TABLE nonce (
	key_id VARCHAR COLLATE "C" NOT NULL,
	nonce VARCHAR COLLATE "C" NOT NULL,
	expires BIGINT NOT NULL,
	PRIMARY KEY (key_id, nonce)
);
CREATE INDEX ix_nonce_expires ON nonce (expires);
CREATE TABLE peer (
	node_id VARCHAR COLLATE "C" NOT NULL,
	jurisdiction VARCHAR COLLATE "C" NOT NULL,
	url VARCHAR COLLATE "C" NOT NULL,
	card BYTEA NOT NULL,
	key_chain BYTEA,
	transport_key_id VARCHAR COLLATE "C" NOT NULL,
	legal_basis VARCHAR COLLATE "C" NOT NULL,
	state VARCHAR COLLATE "C" NOT NULL,
	enrolled_at VARCHAR COLLATE "C" NOT NULL,
	cursor_count BIGINT NOT NULL,
	cursor_head BYTEA NOT NULL,
	withheld BIGINT NOT NULL,
	receipt_count BIGINT NOT NULL,
	receipt_at VARCHAR COLLATE "C",
	checkpoint BYTEA,
	cosigned BYTEA,
	cosigned_size BIGINT NOT NULL,
	returned_at VARCHAR COLLATE "C",
	pulled_at VARCHAR COLLATE "C",
	alarm VARCHAR COLLATE "C",
	PRIMARY KEY (node_id),
	UNIQUE (transport_key_id)
);
CREATE TABLE quarantine (
	peer VARCHAR COLLATE "C" NOT NULL,
	position BIGINT NOT NULL,
	statement_id VARCHAR COLLATE "C" NOT NULL,
	log_index BIGINT NOT NULL,
	envelope BYTEA NOT NULL,
	reason VARCHAR COLLATE "C" NOT NULL,
	detail VARCHAR COLLATE "C" NOT NULL,
	at VARCHAR COLLATE "C" NOT NULL,
	seen_at VARCHAR COLLATE "C",
	PRIMARY KEY (peer, position)
);
CREATE TABLE remains (
	acquisition_id BIGSERIAL NOT NULL,
	record VARCHAR COLLATE "C" NOT NULL,
	sha256 VARCHAR COLLATE "C" NOT NULL,
	PRIMARY KEY (acquisition_id)
);
CREATE INDEX ix_remains_record ON remains (record);
CREATE TABLE score_seen (
	pseudonym VARCHAR COLLATE "C" NOT NULL,
	scan_low VARCHAR COLLATE "C" NOT NULL,
	scan_high VARCHAR COLLATE "C" NOT NULL,
	listed_at VARCHAR COLLATE "C" NOT NULL,
	opened_at VARCHAR COLLATE "C",
	PRIMARY KEY (pseudonym, scan_low, scan_high)
);
CREATE INDEX score_opened_by_high ON score_seen (scan_high, opened_at);
CREATE INDEX score_opened_by_low ON score_seen (scan_low, opened_at);
CREATE INDEX score_seen_by_scans ON score_seen (scan_low, scan_high);
CREATE TABLE serving (
	id BIGSERIAL NOT NULL,
	generation BIGINT NOT NULL,
	place VARCHAR COLLATE "C" NOT NULL,
	since VARCHAR COLLATE "C" NOT NULL,
	PRIMARY KEY (id)
);
CREATE TABLE sign_in_begun (
	state_sha256 VARCHAR COLLATE "C" NOT NULL,
	browser_sha256 VARCHAR COLLATE "C" NOT NULL,
	nonce VARCHAR COLLATE "C" NOT NULL,
	verifier VARCHAR COLLATE "C" NOT NULL,
	ends_at VARCHAR COLLATE "C" NOT NULL,
	PRIMARY KEY (state_sha256)
);
CREATE TABLE stamp_failure (
	id BIGSERIAL NOT NULL,
	since VARCHAR COLLATE "C" NOT NULL,
	last VARCHAR COLLATE "C" NOT NULL,
	detail VARCHAR COLLATE "C" NOT NULL,
	PRIMARY KEY (id)
);
CREATE TABLE statement (
	statement_id VARCHAR COLLATE "C" NOT NULL,
	type VARCHAR COLLATE "C" NOT NULL,
	issuer VARCHAR COLLATE "C" NOT NULL,
	about VARCHAR COLLATE "C",
	envelope BYTEA,
	leaf BYTEA NOT NULL,
	log_index BIGINT NOT NULL,
	received_at VARCHAR COLLATE "C" NOT NULL,
	refused_by VARCHAR COLLATE "C",
	PRIMARY KEY (statement_id),
	UNIQUE (issuer, log_index)
);
CREATE INDEX statement_about ON statement (about, type);
CREATE INDEX statement_by_arrival ON statement (type, received_at);
CREATE INDEX statement_by_type ON statement (issuer, type, log_index);
CREATE TABLE stored_object (
	object_id BIGSERIAL NOT NULL,
	sha256 VARCHAR COLLATE "C" NOT NULL,
	size BIGINT NOT NULL,
	stored_at VARCHAR COLLATE "C",
	altered_at VARCHAR COLLATE "C",
	PRIMARY KEY (object_id),
	UNIQUE (sha256)
);
CREATE INDEX stored_object_by_time ON stored_object (stored_at);
CREATE TABLE submission (
	pseudonym VARCHAR COLLATE "C" NOT NULL,
	idempotency_key VARCHAR COLLATE "C" NOT NULL,
	content_sha256 VARCHAR COLLATE "C" NOT NULL,
	statement_id VARCHAR COLLATE "C" NOT NULL,
	PRIMARY KEY (pseudonym, idempotency_key)
);
CREATE TABLE tombstone (
	tombstone_id BIGSERIAL NOT NULL,
	record VARCHAR COLLATE "C" NOT NULL,
	holder VARCHAR COLLATE "C" NOT NULL,
	issuer VARCHAR COLLATE "C" NOT NULL,
	reason VARCHAR COLLATE "C" NOT NULL,
	withdrawal VARCHAR COLLATE "C",
	log_index BIGINT NOT NULL,
	outcome VARCHAR COLLATE "C",
	lifted BOOLEAN NOT NULL,
	at VARCHAR COLLATE "C" NOT NULL,
	PRIMARY KEY (tombstone_id),
	UNIQUE (record, holder, issuer)
);
CREATE TABLE "user" (
	pseudonym VARCHAR COLLATE "C" NOT NULL,
	role VARCHAR COLLATE "C" NOT NULL,
	created_at VARCHAR COLLATE "C" NOT NULL,
	revoked_at VARCHAR COLLATE "C",
	PRIMARY KEY (pseudonym)
);
CREATE TABLE verification_task (
	task_id VARCHAR COLLATE "C" NOT NULL,
	conclusion VARCHAR COLLATE "C",
	concluded_by VARCHAR COLLATE "C",
	basis VARCHAR COLLATE "C" NOT NULL,
	scan_low VARCHAR COLLATE "C" NOT NULL,
	scan_high VARCHAR COLLATE "C" NOT NULL,
	statement_a VARCHAR COLLATE "C" NOT NULL,
	statement_b VARCHAR COLLATE "C" NOT NULL,
	pair VARCHAR COLLATE "C" NOT NULL,
	created_at VARCHAR COLLATE "C" NOT NULL,
	due_at VARCHAR COLLATE "C" NOT NULL,
	taken_by VARCHAR COLLATE "C",
	done_at VARCHAR COLLATE "C",
	said VARCHAR COLLATE "C",
	PRIMARY KEY (task_id),
	UNIQUE (conclusion)
);
CREATE INDEX ix_verification_task_statement_a ON verification_task (statement_a);
CREATE INDEX ix_verification_task_statement_b ON verification_task (statement_b);
CREATE INDEX verification_task_by_end ON verification_task (done_at, created_at);
CREATE INDEX verification_task_by_scans ON verification_task (scan_low, scan_high);
CREATE TABLE worker (
	worker_id VARCHAR COLLATE "C" NOT NULL,
	place VARCHAR COLLATE "C" NOT NULL,
	machine VARCHAR COLLATE "C" NOT NULL,
	home VARCHAR COLLATE "C" NOT NULL,
	since VARCHAR COLLATE "C" NOT NULL,
	seen_at VARCHAR COLLATE "C" NOT NULL,
	alive_until VARCHAR COLLATE "C" NOT NULL,
	leads BOOLEAN NOT NULL,
	PRIMARY KEY (worker_id)
);
CREATE TABLE alerts_read (
	pseudonym VARCHAR COLLATE "C" NOT NULL,
	seen_to VARCHAR COLLATE "C" NOT NULL,
	before VARCHAR COLLATE "C",
	PRIMARY KEY (pseudonym),
	FOREIGN KEY(pseudonym) REFERENCES "user" (pseudonym)
);
CREATE TABLE audit_batch (
	first BIGINT NOT NULL,
	count BIGINT NOT NULL,
	statement_id VARCHAR COLLATE "C" NOT NULL,
	log_index BIGINT NOT NULL,
	sealed_at VARCHAR COLLATE "C" NOT NULL,
	PRIMARY KEY (first),
	UNIQUE (statement_id),
	FOREIGN KEY(statement_id) REFERENCES statement (statement_id)
);
CREATE INDEX ix_audit_batch_sealed_at ON audit_batch (sealed_at);
CREATE TABLE audit_subject (
	number BIGINT NOT NULL,
	position BIGINT NOT NULL,
	subject VARCHAR COLLATE "C" NOT NULL,
	PRIMARY KEY (number, position),
	FOREIGN KEY(number) REFERENCES audit (number)
);
CREATE INDEX audit_by_subject ON audit_subject (subject, number);
CREATE TABLE cosignature (
	size BIGINT NOT NULL,
	peer VARCHAR COLLATE "C" NOT NULL,
	note BYTEA NOT NULL,
	timestamp BIGINT NOT NULL,
	received_at VARCHAR COLLATE "C" NOT NULL,
	PRIMARY KEY (size, peer),
	FOREIGN KEY(size) REFERENCES checkpoint (size),
	FOREIGN KEY(peer) REFERENCES peer (node_id)
);
CREATE INDEX cosignature_by_peer ON cosignature (peer, size);
CREATE TABLE draft (
	draft_id VARCHAR COLLATE "C" NOT NULL,
	pseudonym VARCHAR COLLATE "C" NOT NULL,
	fields VARCHAR COLLATE "C" NOT NULL,
	supersedes VARCHAR COLLATE "C",
	made_at VARCHAR COLLATE "C" NOT NULL,
	saved_at VARCHAR COLLATE "C" NOT NULL,
	statement_id VARCHAR COLLATE "C",
	PRIMARY KEY (draft_id),
	FOREIGN KEY(pseudonym) REFERENCES "user" (pseudonym)
);
CREATE INDEX ix_draft_pseudonym ON draft (pseudonym);
CREATE INDEX ix_draft_saved_at ON draft (saved_at);
CREATE TABLE lane (
	peer VARCHAR COLLATE "C" NOT NULL,
	count BIGINT NOT NULL,
	head BYTEA NOT NULL,
	acknowledged_count BIGINT NOT NULL,
	acknowledged_head BYTEA NOT NULL,
	acknowledged_at VARCHAR COLLATE "C",
	acknowledged_by VARCHAR COLLATE "C",
	read_again_at VARCHAR COLLATE "C",
	PRIMARY KEY (peer),
	FOREIGN KEY(peer) REFERENCES peer (node_id)
);
CREATE TABLE mail_address (
	pseudonym VARCHAR COLLATE "C" NOT NULL,
	address VARCHAR COLLATE "C" NOT NULL,
	language VARCHAR COLLATE "C" NOT NULL,
	code VARCHAR COLLATE "C",
	code_until VARCHAR COLLATE "C",
	code_tries BIGINT NOT NULL,
	code_sent BOOLEAN NOT NULL,
	asked_at VARCHAR COLLATE "C" NOT NULL,
	told_to VARCHAR COLLATE "C" NOT NULL,
	told_at VARCHAR COLLATE "C",
	tried_at VARCHAR COLLATE "C",
	failed_since VARCHAR COLLATE "C",
	failure VARCHAR COLLATE "C",
	PRIMARY KEY (pseudonym),
	FOREIGN KEY(pseudonym) REFERENCES "user" (pseudonym)
);
CREATE TABLE mirror_tile (
	log VARCHAR COLLATE "C" NOT NULL,
	position BIGINT NOT NULL,
	top BYTEA,
	hashes BYTEA,
	PRIMARY KEY (log, position),
	FOREIGN KEY(log) REFERENCES peer (node_id)
);
CREATE TABLE monitoring_report (
	half VARCHAR COLLATE "C" NOT NULL,
	document BYTEA NOT NULL,
	sha256 VARCHAR COLLATE "C" NOT NULL,
	approval VARCHAR COLLATE "C" NOT NULL,
	approved_by VARCHAR COLLATE "C" NOT NULL,
	approved_at VARCHAR COLLATE "C" NOT NULL,
	PRIMARY KEY (half),
	FOREIGN KEY(approval) REFERENCES statement (statement_id)
);
CREATE TABLE query (
	number BIGSERIAL NOT NULL,
	statement_id VARCHAR COLLATE "C" NOT NULL,
	asker VARCHAR COLLATE "C" NOT NULL,
	asked VARCHAR COLLATE "C" NOT NULL,
	record VARCHAR COLLATE "C",
	position BIGINT,
	roi VARCHAR COLLATE "C" NOT NULL,
	calibre VARCHAR COLLATE "C" NOT NULL,
	case_reference VARCHAR COLLATE "C" NOT NULL,
	purpose VARCHAR COLLATE "C" NOT NULL,
	legal_basis VARCHAR COLLATE "C" NOT NULL,
	made_by VARCHAR COLLATE "C" NOT NULL,
	state VARCHAR COLLATE "C" NOT NULL,
	detail VARCHAR COLLATE "C",
	result VARCHAR COLLATE "C",
	at VARCHAR COLLATE "C" NOT NULL,
	due_at VARCHAR COLLATE "C" NOT NULL,
	answered_at VARCHAR COLLATE "C",
	answer VARCHAR COLLATE "C",
	PRIMARY KEY (number),
	UNIQUE (statement_id),
	FOREIGN KEY(statement_id) REFERENCES statement (statement_id)
);
CREATE INDEX query_by_asker ON query (asker, at);
CREATE TABLE rebuild_source (
	peer VARCHAR COLLATE "C" NOT NULL,
	next_index BIGINT NOT NULL,
	tried BOOLEAN NOT NULL,
	PRIMARY KEY (peer),
	FOREIGN KEY(peer) REFERENCES peer (node_id)
);
CREATE TABLE received_place (
	peer VARCHAR COLLATE "C" NOT NULL,
	position BIGINT NOT NULL,
	statement_id VARCHAR COLLATE "C" NOT NULL,
	log_index BIGINT NOT NULL,
	withheld BOOLEAN NOT NULL,
	PRIMARY KEY (peer, position),
	FOREIGN KEY(peer) REFERENCES peer (node_id)
);
CREATE TABLE record (
	statement_id VARCHAR COLLATE "C" NOT NULL,
	sequence BIGINT NOT NULL,
	issuer VARCHAR COLLATE "C" NOT NULL,
	jurisdiction VARCHAR COLLATE "C" NOT NULL,
	case_reference VARCHAR COLLATE "C" NOT NULL,
	kind VARCHAR COLLATE "C" NOT NULL,
	calibre VARCHAR COLLATE "C" NOT NULL,
	firing_pin_class VARCHAR COLLATE "C" NOT NULL,
	firing_pin_aperture VARCHAR COLLATE "C" NOT NULL,
	ejector_hour BIGINT,
	extractor_hour BIGINT,
	place VARCHAR COLLATE "C",
	earliest VARCHAR COLLATE "C",
	latest VARCHAR COLLATE "C",
	retention_until VARCHAR COLLATE "C" NOT NULL,
	level VARCHAR COLLATE "C" NOT NULL,
	handling VARCHAR COLLATE "C" NOT NULL,
	restricted BOOLEAN NOT NULL,
	superseded_by VARCHAR COLLATE "C",
	submitted_by VARCHAR COLLATE "C",
	received_at VARCHAR COLLATE "C" NOT NULL,
	PRIMARY KEY (statement_id),
	FOREIGN KEY(statement_id) REFERENCES statement (statement_id),
	UNIQUE (sequence)
);
CREATE INDEX record_by_calibre ON record (calibre, sequence);
CREATE INDEX record_by_case ON record (issuer, case_reference);
CREATE INDEX record_by_examiner ON record (submitted_by);
CREATE INDEX record_by_retention ON record (retention_until);
CREATE TABLE returned_head (
	peer VARCHAR COLLATE "C" NOT NULL,
	size BIGINT NOT NULL,
	root BYTEA NOT NULL,
	note BYTEA NOT NULL,
	PRIMARY KEY (peer),
	FOREIGN KEY(peer) REFERENCES peer (node_id)
);
CREATE TABLE saved_view (
	view_id BIGSERIAL NOT NULL,
	scan_low VARCHAR COLLATE "C" NOT NULL,
	scan_high VARCHAR COLLATE "C" NOT NULL,
	query VARCHAR COLLATE "C" NOT NULL,
	made_by VARCHAR COLLATE "C" NOT NULL,
	made_at VARCHAR COLLATE "C" NOT NULL,
	title VARCHAR COLLATE "C" NOT NULL,
	document VARCHAR COLLATE "C" NOT NULL,
	picture BYTEA NOT NULL,
	thumbnail BYTEA NOT NULL,
	PRIMARY KEY (view_id),
	FOREIGN KEY(made_by) REFERENCES "user" (pseudonym)
);
CREATE INDEX saved_view_by_scans ON saved_view (scan_low, scan_high, made_by);
CREATE INDEX saved_view_by_second_scan ON saved_view (scan_high);
CREATE TABLE sign_in (
	pseudonym VARCHAR COLLATE "C" NOT NULL,
	invitation_sha256 VARCHAR COLLATE "C",
	invited_until VARCHAR COLLATE "C",
	password VARCHAR COLLATE "C",
	totp BYTEA,
	totp_step BIGINT NOT NULL,
	failed BIGINT NOT NULL,
	locked_until VARCHAR COLLATE "C",
	PRIMARY KEY (pseudonym),
	FOREIGN KEY(pseudonym) REFERENCES "user" (pseudonym),
	UNIQUE (invitation_sha256)
);
CREATE TABLE sign_in_session (
	token_sha256 VARCHAR COLLATE "C" NOT NULL,
	pseudonym VARCHAR COLLATE "C" NOT NULL,
	signed_in VARCHAR COLLATE "C" NOT NULL,
	began_at VARCHAR COLLATE "C" NOT NULL,
	seen_at VARCHAR COLLATE "C" NOT NULL,
	ends_at VARCHAR COLLATE "C" NOT NULL,
	purpose VARCHAR COLLATE "C",
	legal_basis VARCHAR COLLATE "C",
	PRIMARY KEY (token_sha256),
	FOREIGN KEY(pseudonym) REFERENCES "user" (pseudonym)
);
CREATE INDEX ix_sign_in_session_pseudonym ON sign_in_session (pseudonym);
CREATE TABLE stamp (
	size BIGINT NOT NULL,
	token BYTEA NOT NULL,
	at VARCHAR COLLATE "C" NOT NULL,
	authority VARCHAR COLLATE "C" NOT NULL,
	received_at VARCHAR COLLATE "C" NOT NULL,
	PRIMARY KEY (size),
	FOREIGN KEY(size) REFERENCES checkpoint (size)
);
CREATE TABLE token (
	token_id BIGSERIAL NOT NULL,
	sha256 VARCHAR COLLATE "C" NOT NULL,
	pseudonym VARCHAR COLLATE "C" NOT NULL,
	name VARCHAR COLLATE "C" NOT NULL,
	scopes VARCHAR COLLATE "C" NOT NULL,
	created_at VARCHAR COLLATE "C" NOT NULL,
	expires_at VARCHAR COLLATE "C" NOT NULL,
	revoked_at VARCHAR COLLATE "C",
	used_at VARCHAR COLLATE "C",
	PRIMARY KEY (token_id),
	UNIQUE (sha256),
	FOREIGN KEY(pseudonym) REFERENCES "user" (pseudonym)
);
CREATE INDEX ix_token_pseudonym ON token (pseudonym);
CREATE TABLE told_head (
	teller VARCHAR COLLATE "C" NOT NULL,
	log VARCHAR COLLATE "C" NOT NULL,
	size BIGINT NOT NULL,
	root BYTEA NOT NULL,
	note BYTEA NOT NULL,
	checked BOOLEAN NOT NULL,
	told_at VARCHAR COLLATE "C" NOT NULL,
	PRIMARY KEY (teller, log),
	FOREIGN KEY(teller) REFERENCES peer (node_id),
	FOREIGN KEY(log) REFERENCES peer (node_id)
);
CREATE INDEX told_head_by_log ON told_head (log, size);
CREATE TABLE acquisition (
	acquisition_id BIGSERIAL NOT NULL,
	statement_id VARCHAR COLLATE "C" NOT NULL,
	position BIGINT NOT NULL,
	roi VARCHAR COLLATE "C" NOT NULL,
	modality VARCHAR COLLATE "C" NOT NULL,
	calibre VARCHAR COLLATE "C" NOT NULL,
	sha256 VARCHAR COLLATE "C" NOT NULL,
	size BIGINT NOT NULL,
	media_type VARCHAR COLLATE "C" NOT NULL,
	lateral_resolution_um DOUBLE PRECISION,
	lighting VARCHAR COLLATE "C" NOT NULL,
	light_hour BIGINT,
	region_mask VARCHAR COLLATE "C",
	state VARCHAR COLLATE "C" NOT NULL,
	detail VARCHAR COLLATE "C",
	parameters VARCHAR COLLATE "C",
	spacing_y_um DOUBLE PRECISION,
	spacing_x_um DOUBLE PRECISION,
	correlated_at VARCHAR COLLATE "C",
	first_correlated_at VARCHAR COLLATE "C",
	PRIMARY KEY (acquisition_id),
	UNIQUE (statement_id, position),
	FOREIGN KEY(statement_id) REFERENCES record (statement_id)
);
CREATE INDEX acquisition_by_digest ON acquisition (sha256);
CREATE INDEX acquisition_by_region ON acquisition (roi, parameters, calibre);
CREATE INDEX acquisition_by_state ON acquisition (state);
CREATE TABLE draft_file (
	file_id VARCHAR COLLATE "C" NOT NULL,
	draft_id VARCHAR COLLATE "C" NOT NULL,
	number BIGINT NOT NULL,
	name VARCHAR COLLATE "C" NOT NULL,
	size BIGINT NOT NULL,
	modified VARCHAR COLLATE "C" NOT NULL,
	sha256 VARCHAR COLLATE "C",
	stored BOOLEAN NOT NULL,
	reading VARCHAR COLLATE "C",
	region_mask VARCHAR COLLATE "C",
	region_roi VARCHAR COLLATE "C",
	PRIMARY KEY (file_id),
	UNIQUE (draft_id, number),
	FOREIGN KEY(draft_id) REFERENCES draft (draft_id)
);
CREATE INDEX ix_draft_file_draft_id ON draft_file (draft_id);
CREATE TABLE lane_item (
	peer VARCHAR COLLATE "C" NOT NULL,
	position BIGINT NOT NULL,
	statement_id VARCHAR COLLATE "C" NOT NULL,
	head BYTEA NOT NULL,
	log_index BIGINT,
	withheld BOOLEAN NOT NULL,
	PRIMARY KEY (peer, position),
	FOREIGN KEY(peer) REFERENCES lane (peer)
);
CREATE INDEX lane_item_by_statement ON lane_item (peer, statement_id);
CREATE TABLE query_found (
	handle VARCHAR COLLATE "C" NOT NULL,
	query VARCHAR COLLATE "C" NOT NULL,
	record VARCHAR COLLATE "C",
	band VARCHAR COLLATE "C" NOT NULL,
	state VARCHAR COLLATE "C" NOT NULL,
	due_at VARCHAR COLLATE "C",
	request VARCHAR COLLATE "C",
	decision VARCHAR COLLATE "C",
	PRIMARY KEY (handle),
	FOREIGN KEY(query) REFERENCES query (statement_id)
);
CREATE INDEX ix_query_found_query ON query_found (query);
CREATE INDEX ix_query_found_record ON query_found (record);
CREATE TABLE record_audience (
	statement_id VARCHAR COLLATE "C" NOT NULL,
	name VARCHAR COLLATE "C" NOT NULL,
	PRIMARY KEY (statement_id, name),
	FOREIGN KEY(statement_id) REFERENCES record (statement_id)
);
CREATE TABLE record_breech_face_class (
	statement_id VARCHAR COLLATE "C" NOT NULL,
	breech_face_class VARCHAR COLLATE "C" NOT NULL,
	PRIMARY KEY (statement_id, breech_face_class),
	FOREIGN KEY(statement_id) REFERENCES record (statement_id)
);
CREATE TABLE candidate (
	candidate_id BIGSERIAL NOT NULL,
	pair VARCHAR COLLATE "C" NOT NULL,
	acquisition_a BIGINT NOT NULL,
	acquisition_b BIGINT NOT NULL,
	statement_a VARCHAR COLLATE "C" NOT NULL,
	statement_b VARCHAR COLLATE "C" NOT NULL,
	cross_border BOOLEAN NOT NULL,
	same_case BOOLEAN NOT NULL,
	score DOUBLE PRECISION NOT NULL,
	congruent_cells BIGINT NOT NULL,
	cells BIGINT NOT NULL,
	rotation_deg DOUBLE PRECISION,
	matcher_version VARCHAR COLLATE "C" NOT NULL,
	comparison BYTEA NOT NULL,
	parameters VARCHAR COLLATE "C" NOT NULL,
	created_at VARCHAR COLLATE "C" NOT NULL,
	PRIMARY KEY (candidate_id),
	UNIQUE (pair, parameters),
	FOREIGN KEY(acquisition_a) REFERENCES acquisition (acquisition_id),
	FOREIGN KEY(acquisition_b) REFERENCES acquisition (acquisition_id)
);
CREATE INDEX candidate_by_score ON candidate (cross_border, score);
CREATE INDEX candidate_by_statement_a ON candidate (statement_a, cross_border);
CREATE INDEX candidate_by_statement_b ON candidate (statement_b, cross_border);
