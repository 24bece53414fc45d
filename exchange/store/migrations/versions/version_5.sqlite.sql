CREATE TABLE approval (
	concerns VARCHAR NOT NULL,
	jurisdiction VARCHAR NOT NULL,
	decision VARCHAR,
	asked_at VARCHAR NOT NULL,
	due_at VARCHAR NOT NULL,
	decided_at VARCHAR,
	statement_id VARCHAR,
	PRIMARY KEY (concerns, jurisdiction)
);
CREATE INDEX approval_by_decision ON approval (decision, asked_at);
CREATE TABLE audit (
	number INTEGER NOT NULL,
	at VARCHAR NOT NULL,
	kind VARCHAR NOT NULL,
	actor VARCHAR NOT NULL,
	role VARCHAR NOT NULL,
	token INTEGER,
	act VARCHAR NOT NULL,
	asked VARCHAR,
	count INTEGER NOT NULL,
	purpose VARCHAR,
	legal_basis VARCHAR,
	nonce VARCHAR NOT NULL,
	leaf BLOB NOT NULL,
	PRIMARY KEY (number)
);
CREATE INDEX audit_by_act ON audit (act, number);
CREATE INDEX audit_by_actor ON audit (actor, number);
CREATE INDEX ix_audit_at ON audit (at);
CREATE TABLE audit_state (
	id INTEGER NOT NULL,
	last INTEGER NOT NULL,
	kept_from INTEGER NOT NULL,
	PRIMARY KEY (id)
);
CREATE TABLE checkpoint (
	size INTEGER NOT NULL,
	root BLOB NOT NULL,
	note BLOB NOT NULL,
	signed_at VARCHAR NOT NULL,
	PRIMARY KEY (size)
);
CREATE TABLE disagreement (
	digest VARCHAR NOT NULL,
	log VARCHAR NOT NULL,
	first BLOB NOT NULL,
	second BLOB NOT NULL,
	proven BOOLEAN NOT NULL,
	detail VARCHAR NOT NULL,
	found_at VARCHAR NOT NULL,
	PRIMARY KEY (digest)
);
CREATE INDEX ix_disagreement_log ON disagreement (log);
CREATE TABLE grant (
	record VARCHAR NOT NULL,
	jurisdiction VARCHAR NOT NULL,
	statement_id VARCHAR NOT NULL,
	PRIMARY KEY (record, jurisdiction)
);
CREATE TABLE group_member (
	owner VARCHAR NOT NULL,
	name VARCHAR NOT NULL,
	jurisdiction VARCHAR NOT NULL,
	PRIMARY KEY (owner, name, jurisdiction)
);
CREATE TABLE hold (
	record VARCHAR NOT NULL,
	authority VARCHAR NOT NULL,
	placed_at VARCHAR NOT NULL,
	statement_id VARCHAR NOT NULL,
	PRIMARY KEY (record)
);
CREATE TABLE job (
	job_id INTEGER NOT NULL,
	kind VARCHAR NOT NULL,
	subject VARCHAR NOT NULL,
	state VARCHAR NOT NULL,
	attempts INTEGER NOT NULL,
	ended INTEGER NOT NULL,
	not_before VARCHAR NOT NULL,
	owner VARCHAR,
	lease_until VARCHAR,
	error VARCHAR,
	PRIMARY KEY (job_id),
	UNIQUE (kind, subject)
);
CREATE INDEX job_due ON job (kind, state, not_before);
CREATE TABLE legal_basis (
	jurisdiction VARCHAR NOT NULL,
	kind VARCHAR NOT NULL,
	rule VARCHAR NOT NULL,
	article VARCHAR NOT NULL,
	review_by VARCHAR NOT NULL,
	PRIMARY KEY (jurisdiction, kind)
);
CREATE TABLE log_check (
	id INTEGER NOT NULL,
	checked_at VARCHAR NOT NULL,
	good BOOLEAN NOT NULL,
	report VARCHAR NOT NULL,
	PRIMARY KEY (id)
);
CREATE TABLE log_node (
	level INTEGER NOT NULL,
	position INTEGER NOT NULL,
	hash BLOB NOT NULL,
	PRIMARY KEY (level, position)
);
CREATE TABLE log_start (
	id INTEGER NOT NULL,
	state VARCHAR NOT NULL,
	restored BOOLEAN NOT NULL,
	began_at VARCHAR NOT NULL,
	detail VARCHAR,
	PRIMARY KEY (id)
);
CREATE TABLE log_state (
	id INTEGER NOT NULL,
	size INTEGER NOT NULL,
	keys_since INTEGER NOT NULL,
	PRIMARY KEY (id)
);
CREATE TABLE lost (
	log_index INTEGER NOT NULL,
	leaf BLOB NOT NULL,
	found_at VARCHAR NOT NULL,
	PRIMARY KEY (log_index)
);
CREATE TABLE node_hours (
	node_id VARCHAR NOT NULL,
	day VARCHAR NOT NULL,
	asked INTEGER NOT NULL,
	answered INTEGER NOT NULL,
	PRIMARY KEY (node_id, day)
);
CREATE TABLE nonce (
	key_id VARCHAR NOT NULL,
	nonce VARCHAR NOT NULL,
	expires INTEGER NOT NULL,
	PRIMARY KEY (key_id, nonce)
);
CREATE INDEX ix_nonce_expires ON nonce (expires);
CREATE TABLE peer (
	node_id VARCHAR NOT NULL,
	jurisdiction VARCHAR NOT NULL,
	url VARCHAR NOT NULL,
	card BLOB NOT NULL,
	key_chain BLOB,
	transport_key_id VARCHAR NOT NULL,
	legal_basis VARCHAR NOT NULL,
	state VARCHAR NOT NULL,
	enrolled_at VARCHAR NOT NULL,
	cursor_count INTEGER NOT NULL,
	cursor_head BLOB NOT NULL,
	withheld INTEGER NOT NULL,
	receipt_count INTEGER NOT NULL,
	receipt_at VARCHAR,
	checkpoint BLOB,
	cosigned BLOB,
	cosigned_size INTEGER NOT NULL,
	returned_at VARCHAR,
	pulled_at VARCHAR,
	alarm VARCHAR,
	PRIMARY KEY (node_id),
	UNIQUE (transport_key_id)
);
CREATE TABLE quarantine (
	peer VARCHAR NOT NULL,
	position INTEGER NOT NULL,
	statement_id VARCHAR NOT NULL,
	log_index INTEGER NOT NULL,
	envelope BLOB NOT NULL,
	reason VARCHAR NOT NULL,
	detail VARCHAR NOT NULL,
	at VARCHAR NOT NULL,
	seen_at VARCHAR,
	PRIMARY KEY (peer, position)
);
CREATE TABLE remains (
	acquisition_id INTEGER NOT NULL,
	record VARCHAR NOT NULL,
	sha256 VARCHAR NOT NULL,
	PRIMARY KEY (acquisition_id)
);
CREATE INDEX ix_remains_record ON remains (record);
CREATE TABLE score_seen (
	pseudonym VARCHAR NOT NULL,
	scan_low VARCHAR NOT NULL,
	scan_high VARCHAR NOT NULL,
	listed_at VARCHAR NOT NULL,
	opened_at VARCHAR,
	PRIMARY KEY (pseudonym, scan_low, scan_high)
);
CREATE INDEX score_opened_by_high ON score_seen (scan_high, opened_at);
CREATE INDEX score_opened_by_low ON score_seen (scan_low, opened_at);
CREATE INDEX score_seen_by_scans ON score_seen (scan_low, scan_high);
CREATE TABLE serving (
	id INTEGER NOT NULL,
	generation INTEGER NOT NULL,
	place VARCHAR NOT NULL,
	since VARCHAR NOT NULL,
	PRIMARY KEY (id)
);
CREATE TABLE sign_in_begun (
	state_sha256 VARCHAR NOT NULL,
	browser_sha256 VARCHAR NOT NULL,
	nonce VARCHAR NOT NULL,
	verifier VARCHAR NOT NULL,
	ends_at VARCHAR NOT NULL,
	PRIMARY KEY (state_sha256)
);
CREATE TABLE stamp_failure (
	id INTEGER NOT NULL,
	since VARCHAR NOT NULL,
	last VARCHAR NOT NULL,
	detail VARCHAR NOT NULL,
	PRIMARY KEY (id)
);
CREATE TABLE statement (
	statement_id VARCHAR NOT NULL,
	type VARCHAR NOT NULL,
	issuer VARCHAR NOT NULL,
	about VARCHAR,
	envelope BLOB,
	leaf BLOB NOT NULL,
	log_index INTEGER NOT NULL,
	received_at VARCHAR NOT NULL,
	refused_by VARCHAR,
	PRIMARY KEY (statement_id),
	UNIQUE (issuer, log_index)
);
CREATE INDEX statement_about ON statement (about, type);
CREATE INDEX statement_by_arrival ON statement (type, received_at);
CREATE INDEX statement_by_type ON statement (issuer, type, log_index);
CREATE TABLE stored_object (
	object_id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
	sha256 VARCHAR NOT NULL,
	size INTEGER NOT NULL,
	stored_at VARCHAR,
	altered_at VARCHAR,
	UNIQUE (sha256)
);
CREATE INDEX stored_object_by_time ON stored_object (stored_at);
CREATE TABLE submission (
	pseudonym VARCHAR NOT NULL,
	idempotency_key VARCHAR NOT NULL,
	content_sha256 VARCHAR NOT NULL,
	statement_id VARCHAR NOT NULL,
	PRIMARY KEY (pseudonym, idempotency_key)
);
CREATE TABLE tombstone (
	tombstone_id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
	record VARCHAR NOT NULL,
	holder VARCHAR NOT NULL,
	issuer VARCHAR NOT NULL,
	reason VARCHAR NOT NULL,
	withdrawal VARCHAR,
	log_index INTEGER NOT NULL,
	outcome VARCHAR,
	lifted BOOLEAN NOT NULL,
	at VARCHAR NOT NULL,
	UNIQUE (record, holder, issuer)
);
CREATE TABLE user (
	pseudonym VARCHAR NOT NULL,
	role VARCHAR NOT NULL,
	created_at VARCHAR NOT NULL,
	revoked_at VARCHAR,
	PRIMARY KEY (pseudonym)
);
CREATE TABLE verification_task (
	task_id VARCHAR NOT NULL,
	conclusion VARCHAR,
	concluded_by VARCHAR,
	basis VARCHAR NOT NULL,
	scan_low VARCHAR NOT NULL,
	scan_high VARCHAR NOT NULL,
	statement_a VARCHAR NOT NULL,
	statement_b VARCHAR NOT NULL,
	pair VARCHAR NOT NULL,
	created_at VARCHAR NOT NULL,
	due_at VARCHAR NOT NULL,
	taken_by VARCHAR,
	done_at VARCHAR,
	said VARCHAR,
	PRIMARY KEY (task_id),
	UNIQUE (conclusion)
);
CREATE INDEX ix_verification_task_statement_a ON verification_task (statement_a);
CREATE INDEX ix_verification_task_statement_b ON verification_task (statement_b);
CREATE INDEX verification_task_by_end ON verification_task (done_at, created_at);
CREATE INDEX verification_task_by_scans ON verification_task (scan_low, scan_high);
CREATE TABLE worker (
	worker_id VARCHAR NOT NULL,
	place VARCHAR NOT NULL,
	machine VARCHAR NOT NULL,
	home VARCHAR NOT NULL,
	since VARCHAR NOT NULL,
	seen_at VARCHAR NOT NULL,
	alive_until VARCHAR NOT NULL,
	leads BOOLEAN NOT NULL,
	PRIMARY KEY (worker_id)
);
CREATE TABLE alerts_read (
	pseudonym VARCHAR NOT NULL,
	seen_to VARCHAR NOT NULL,
	"before" VARCHAR,
	PRIMARY KEY (pseudonym),
	FOREIGN KEY(pseudonym) REFERENCES user (pseudonym)
);
CREATE TABLE audit_batch (
	first INTEGER NOT NULL,
	count INTEGER NOT NULL,
	statement_id VARCHAR NOT NULL,
	log_index INTEGER NOT NULL,
	sealed_at VARCHAR NOT NULL,
	PRIMARY KEY (first),
	UNIQUE (statement_id),
	FOREIGN KEY(statement_id) REFERENCES statement (statement_id)
);
CREATE INDEX ix_audit_batch_sealed_at ON audit_batch (sealed_at);
CREATE TABLE audit_subject (
	number INTEGER NOT NULL,
	position INTEGER NOT NULL,
	subject VARCHAR NOT NULL,
	PRIMARY KEY (number, position),
	FOREIGN KEY(number) REFERENCES audit (number)
);
CREATE INDEX audit_by_subject ON audit_subject (subject, number);
CREATE TABLE cosignature (
	size INTEGER NOT NULL,
	peer VARCHAR NOT NULL,
	note BLOB NOT NULL,
	timestamp INTEGER NOT NULL,
	received_at VARCHAR NOT NULL,
	PRIMARY KEY (size, peer),
	FOREIGN KEY(size) REFERENCES checkpoint (size),
	FOREIGN KEY(peer) REFERENCES peer (node_id)
);
CREATE INDEX cosignature_by_peer ON cosignature (peer, size);
CREATE TABLE draft (
	draft_id VARCHAR NOT NULL,
	pseudonym VARCHAR NOT NULL,
	fields VARCHAR NOT NULL,
	supersedes VARCHAR,
	made_at VARCHAR NOT NULL,
	saved_at VARCHAR NOT NULL,
	statement_id VARCHAR,
	PRIMARY KEY (draft_id),
	FOREIGN KEY(pseudonym) REFERENCES user (pseudonym)
);
CREATE INDEX ix_draft_pseudonym ON draft (pseudonym);
CREATE INDEX ix_draft_saved_at ON draft (saved_at);
CREATE TABLE lane (
	peer VARCHAR NOT NULL,
	count INTEGER NOT NULL,
	head BLOB NOT NULL,
	acknowledged_count INTEGER NOT NULL,
	acknowledged_head BLOB NOT NULL,
	acknowledged_at VARCHAR,
	acknowledged_by VARCHAR,
	read_again_at VARCHAR,
	PRIMARY KEY (peer),
	FOREIGN KEY(peer) REFERENCES peer (node_id)
);
CREATE TABLE mail_address (
	pseudonym VARCHAR NOT NULL,
	address VARCHAR NOT NULL,
	language VARCHAR NOT NULL,
	code VARCHAR,
	code_until VARCHAR,
	code_tries INTEGER NOT NULL,
	code_sent BOOLEAN NOT NULL,
	asked_at VARCHAR NOT NULL,
	told_to VARCHAR NOT NULL,
	told_at VARCHAR,
	tried_at VARCHAR,
	failed_since VARCHAR,
	failure VARCHAR,
	PRIMARY KEY (pseudonym),
	FOREIGN KEY(pseudonym) REFERENCES user (pseudonym)
);
CREATE TABLE mirror_tile (
	log VARCHAR NOT NULL,
	position INTEGER NOT NULL,
	top BLOB,
	hashes BLOB,
	PRIMARY KEY (log, position),
	FOREIGN KEY(log) REFERENCES peer (node_id)
);
CREATE TABLE monitoring_report (
	half VARCHAR NOT NULL,
	document BLOB NOT NULL,
	sha256 VARCHAR NOT NULL,
	approval VARCHAR NOT NULL,
	approved_by VARCHAR NOT NULL,
	approved_at VARCHAR NOT NULL,
	PRIMARY KEY (half),
	FOREIGN KEY(approval) REFERENCES statement (statement_id)
);
CREATE TABLE "query" (
	number INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
	statement_id VARCHAR NOT NULL,
	asker VARCHAR NOT NULL,
	asked VARCHAR NOT NULL,
	record VARCHAR,
	position INTEGER,
	roi VARCHAR NOT NULL,
	calibre VARCHAR NOT NULL,
	case_reference VARCHAR NOT NULL,
	purpose VARCHAR NOT NULL,
	legal_basis VARCHAR NOT NULL,
	made_by VARCHAR NOT NULL,
	state VARCHAR NOT NULL,
	detail VARCHAR,
	result VARCHAR,
	at VARCHAR NOT NULL,
	due_at VARCHAR NOT NULL,
	answered_at VARCHAR,
	answer VARCHAR,
	UNIQUE (statement_id),
	FOREIGN KEY(statement_id) REFERENCES statement (statement_id)
);
CREATE INDEX query_by_asker ON "query" (asker, at);
CREATE TABLE rebuild_source (
	peer VARCHAR NOT NULL,
	next_index INTEGER NOT NULL,
	tried BOOLEAN NOT NULL,
	PRIMARY KEY (peer),
	FOREIGN KEY(peer) REFERENCES peer (node_id)
);
CREATE TABLE received_place (
	peer VARCHAR NOT NULL,
	position INTEGER NOT NULL,
	statement_id VARCHAR NOT NULL,
	log_index INTEGER NOT NULL,
	withheld BOOLEAN NOT NULL,
	PRIMARY KEY (peer, position),
	FOREIGN KEY(peer) REFERENCES peer (node_id)
);
CREATE TABLE record (
	statement_id VARCHAR NOT NULL,
	sequence INTEGER NOT NULL,
	issuer VARCHAR NOT NULL,
	jurisdiction VARCHAR NOT NULL,
	case_reference VARCHAR NOT NULL,
	kind VARCHAR NOT NULL,
	calibre VARCHAR NOT NULL,
	firing_pin_class VARCHAR NOT NULL,
	firing_pin_aperture VARCHAR NOT NULL,
	ejector_hour INTEGER,
	extractor_hour INTEGER,
	place VARCHAR,
	earliest VARCHAR,
	latest VARCHAR,
	retention_until VARCHAR NOT NULL,
	level VARCHAR NOT NULL,
	handling VARCHAR NOT NULL,
	restricted BOOLEAN NOT NULL,
	superseded_by VARCHAR,
	submitted_by VARCHAR,
	received_at VARCHAR NOT NULL,
	PRIMARY KEY (statement_id),
	FOREIGN KEY(statement_id) REFERENCES statement (statement_id),
	UNIQUE (sequence)
);
CREATE INDEX record_by_calibre ON record (calibre, sequence);
CREATE INDEX record_by_case ON record (issuer, case_reference);
CREATE INDEX record_by_examiner ON record (submitted_by);
CREATE INDEX record_by_retention ON record (retention_until);
CREATE TABLE returned_head (
	peer VARCHAR NOT NULL,
	size INTEGER NOT NULL,
	root BLOB NOT NULL,
	note BLOB NOT NULL,
	PRIMARY KEY (peer),
	FOREIGN KEY(peer) REFERENCES peer (node_id)
);
CREATE TABLE saved_view (
	view_id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
	scan_low VARCHAR NOT NULL,
	scan_high VARCHAR NOT NULL,
	"query" VARCHAR NOT NULL,
	made_by VARCHAR NOT NULL,
	made_at VARCHAR NOT NULL,
	title VARCHAR NOT NULL,
	document VARCHAR NOT NULL,
	picture BLOB NOT NULL,
	thumbnail BLOB NOT NULL,
	FOREIGN KEY(made_by) REFERENCES user (pseudonym)
);
CREATE INDEX saved_view_by_scans ON saved_view (scan_low, scan_high, made_by);
CREATE INDEX saved_view_by_second_scan ON saved_view (scan_high);
CREATE TABLE sign_in (
	pseudonym VARCHAR NOT NULL,
	invitation_sha256 VARCHAR,
	invited_until VARCHAR,
	password VARCHAR,
	totp BLOB,
	totp_step INTEGER NOT NULL,
	failed INTEGER NOT NULL,
	locked_until VARCHAR,
	PRIMARY KEY (pseudonym),
	FOREIGN KEY(pseudonym) REFERENCES user (pseudonym),
	UNIQUE (invitation_sha256)
);
CREATE TABLE sign_in_session (
	token_sha256 VARCHAR NOT NULL,
	pseudonym VARCHAR NOT NULL,
	signed_in VARCHAR NOT NULL,
	began_at VARCHAR NOT NULL,
	seen_at VARCHAR NOT NULL,
	ends_at VARCHAR NOT NULL,
	purpose VARCHAR,
	legal_basis VARCHAR,
	PRIMARY KEY (token_sha256),
	FOREIGN KEY(pseudonym) REFERENCES user (pseudonym)
);
CREATE INDEX ix_sign_in_session_pseudonym ON sign_in_session (pseudonym);
CREATE TABLE stamp (
	size INTEGER NOT NULL,
	token BLOB NOT NULL,
	at VARCHAR NOT NULL,
	authority VARCHAR NOT NULL,
	received_at VARCHAR NOT NULL,
	PRIMARY KEY (size),
	FOREIGN KEY(size) REFERENCES checkpoint (size)
);
CREATE TABLE token (
	token_id INTEGER NOT NULL,
	sha256 VARCHAR NOT NULL,
	pseudonym VARCHAR NOT NULL,
	name VARCHAR NOT NULL,
	scopes VARCHAR NOT NULL,
	created_at VARCHAR NOT NULL,
	expires_at VARCHAR NOT NULL,
	revoked_at VARCHAR,
	used_at VARCHAR,
	PRIMARY KEY (token_id),
	UNIQUE (sha256),
	FOREIGN KEY(pseudonym) REFERENCES user (pseudonym)
);
CREATE INDEX ix_token_pseudonym ON token (pseudonym);
CREATE TABLE told_head (
	teller VARCHAR NOT NULL,
	log VARCHAR NOT NULL,
	size INTEGER NOT NULL,
	root BLOB NOT NULL,
	note BLOB NOT NULL,
	checked BOOLEAN NOT NULL,
	told_at VARCHAR NOT NULL,
	PRIMARY KEY (teller, log),
	FOREIGN KEY(teller) REFERENCES peer (node_id),
	FOREIGN KEY(log) REFERENCES peer (node_id)
);
CREATE INDEX told_head_by_log ON told_head (log, size);
CREATE TABLE acquisition (
	acquisition_id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
	statement_id VARCHAR NOT NULL,
	position INTEGER NOT NULL,
	roi VARCHAR NOT NULL,
	modality VARCHAR NOT NULL,
	calibre VARCHAR NOT NULL,
	sha256 VARCHAR NOT NULL,
	size INTEGER NOT NULL,
	media_type VARCHAR NOT NULL,
	lateral_resolution_um DOUBLE,
	lighting VARCHAR NOT NULL,
	light_hour INTEGER,
	region_mask VARCHAR,
	state VARCHAR NOT NULL,
	detail VARCHAR,
	parameters VARCHAR,
	spacing_y_um DOUBLE,
	spacing_x_um DOUBLE,
	correlated_at VARCHAR,
	first_correlated_at VARCHAR,
	UNIQUE (statement_id, position),
	FOREIGN KEY(statement_id) REFERENCES record (statement_id)
);
CREATE INDEX acquisition_by_digest ON acquisition (sha256);
CREATE INDEX acquisition_by_region ON acquisition (roi, parameters, calibre);
CREATE INDEX acquisition_by_state ON acquisition (state);
CREATE TABLE draft_file (
	file_id VARCHAR NOT NULL,
	draft_id VARCHAR NOT NULL,
	number INTEGER NOT NULL,
	name VARCHAR NOT NULL,
	size INTEGER NOT NULL,
	modified VARCHAR NOT NULL,
	sha256 VARCHAR,
	stored BOOLEAN NOT NULL,
	reading VARCHAR,
	region_mask VARCHAR,
	region_roi VARCHAR,
	PRIMARY KEY (file_id),
	UNIQUE (draft_id, number),
	FOREIGN KEY(draft_id) REFERENCES draft (draft_id)
);
CREATE INDEX ix_draft_file_draft_id ON draft_file (draft_id);
CREATE TABLE lane_item (
	peer VARCHAR NOT NULL,
	position INTEGER NOT NULL,
	statement_id VARCHAR NOT NULL,
	head BLOB NOT NULL,
	log_index INTEGER,
	withheld BOOLEAN NOT NULL,
	PRIMARY KEY (peer, position),
	FOREIGN KEY(peer) REFERENCES lane (peer)
);
CREATE INDEX lane_item_by_statement ON lane_item (peer, statement_id);
CREATE TABLE query_found (
	handle VARCHAR NOT NULL,
	"query" VARCHAR NOT NULL,
	record VARCHAR,
	band VARCHAR NOT NULL,
	state VARCHAR NOT NULL,
	due_at VARCHAR,
	request VARCHAR,
	decision VARCHAR,
	PRIMARY KEY (handle),
	FOREIGN KEY("query") REFERENCES "query" (statement_id)
);
CREATE INDEX ix_query_found_query ON query_found ("query");
CREATE INDEX ix_query_found_record ON query_found (record);
CREATE TABLE record_audience (
	statement_id VARCHAR NOT NULL,
	name VARCHAR NOT NULL,
	PRIMARY KEY (statement_id, name),
	FOREIGN KEY(statement_id) REFERENCES record (statement_id)
);
CREATE TABLE record_breech_face_class (
	statement_id VARCHAR NOT NULL,
	breech_face_class VARCHAR NOT NULL,
	PRIMARY KEY (statement_id, breech_face_class),
	FOREIGN KEY(statement_id) REFERENCES record (statement_id)
);
CREATE TABLE candidate (
	candidate_id INTEGER NOT NULL,
	pair VARCHAR NOT NULL,
	acquisition_a INTEGER NOT NULL,
	acquisition_b INTEGER NOT NULL,
	statement_a VARCHAR NOT NULL,
	statement_b VARCHAR NOT NULL,
	cross_border BOOLEAN NOT NULL,
	same_case BOOLEAN NOT NULL,
	score DOUBLE NOT NULL,
	congruent_cells INTEGER NOT NULL,
	cells INTEGER NOT NULL,
	rotation_deg DOUBLE,
	matcher_version VARCHAR NOT NULL,
	comparison BLOB NOT NULL,
	parameters VARCHAR NOT NULL,
	created_at VARCHAR NOT NULL,
	PRIMARY KEY (candidate_id),
	UNIQUE (pair, parameters),
	FOREIGN KEY(acquisition_a) REFERENCES acquisition (acquisition_id),
	FOREIGN KEY(acquisition_b) REFERENCES acquisition (acquisition_id)
);
CREATE INDEX candidate_by_score ON candidate (cross_border, score);
CREATE INDEX candidate_by_statement_a ON candidate (statement_a, cross_border);
CREATE INDEX candidate_by_statement_b ON candidate (statement_b, cross_border);
