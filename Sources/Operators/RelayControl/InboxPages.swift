// InboxPages: GET /v1/inbox/{agency}, the document itself, and POST …/ack. A document is read in short snapshots of the store and
// goes out as the caller takes it; memory does not grow with it. An acknowledgement is answered after its commit.

import ControlAPI
import Hummingbird
import NIOCore
import RelayCore
import RelayModel
import RelayRows

extension ControlServer {
    func addInbox(to router: Router<ControlContext>) {
        router.get("v1/inbox/{agency}") { request, context in
            let agency = try await inboxAgency(context).agency
            try await requireInbox(agency)
            let query = try ControlQuery(request, known: ["limit", "cursor"])
            return try json(try await inbox(agency, query))
        }
        router.get("v1/inbox/{agency}/{envelope}") { request, context in
            let (agency, caller) = try await inboxAgency(context)
            try requireNoQuery(request)
            return try await document(agency, try context.text("envelope"), caller)
        }
        router.post("v1/inbox/{agency}/ack") { request, context in
            let (agency, caller) = try await inboxAgency(context)
            try requireNoQuery(request)
            return try json(try await acknowledge(agency, request, caller))
        }
    }

    /// The agency of the path, if the caller may have its inbox.
    private func inboxAgency(_ context: ControlContext) async throws -> (agency: AgencyCode, caller: Caller) {
        let rights = try await rights(context)
        let text = try context.text("agency")
        let directory = node.configuration.directory
        // An agency that has left the directory may still have documents here.
        guard let agency = directory.canonical(text) ?? AgencyCode(text) else {
            throw ControlError.badRequest("\(printable(text)) is not an agency code")
        }
        guard rights.may(.inbox, agency) else { throw denied(rights.caller, "have the inbox of \(agency)") }
        return (agency, rights.caller)
    }

    /// An agency that has moved, or has left the directory, takes here what came before; when nothing is left it is told where its inbox
    /// is. What it has taken here is still answered as taken.
    private func requireInbox(_ agency: AgencyCode) async throws {
        let home = node.configuration.directory.home(of: agency)
        if home != node.configuration.settings.node, try await !hasDocuments(agency) {
            throw ControlError.notFound(
                home.map { "\(agency) is at home on node \($0.name); its inbox is there" }
                    ?? "no agency or node \(agency) is in the directory of this node; check the code in agencies.yaml")
        }
    }

    private func hasDocuments(_ agency: AgencyCode) async throws -> Bool {
        try await node.read { rows in
            let next = rows.row(.inbox, atOrAfter: Keys.inbox(agency.text, number: 0))
            return next.map { RowKey(text: agency.text).isPrefix(of: $0.key) } ?? false
        }
    }

    private func inbox(_ agency: AgencyCode, _ query: ControlQuery) async throws -> InboxAnswer {
        let limit = try query.limit()
        let from = try query.number("cursor", in: 0...UInt64.max) ?? 0
        let now = node.now
        let spool = try node.picture(of: []).spoolViews.first { $0.agency == agency }
        return try await node.read { rows in
            var answer = InboxAnswer(now: now.wall.timestamp, agency: agency.text, documents: [], cursor: nil)
            answer.spool = spool.map { SpoolLine($0, now: now) }
            var numbers: [UInt64] = []
            let prefix = RowKey(text: agency.text)
            Keys.inbox(agency.text, number: from).withBytes { start in
                rows.scan(.inbox, from: start) { key, _ in
                    guard prefix.isPrefix(of: key) else { return false }
                    let number = key.number(at: key.count - 8)
                    guard numbers.count < limit else {
                        answer.cursor = String(number)
                        return false
                    }
                    numbers.append(number)
                    return true
                }
            }
            let mark = RestorationRow.read(rows)
            answer.documents = numbers.compactMap { number in
                EnvelopeSearch.envelope(number, rows).map { .init($0, agency, mark, now: now) }
            }
            return answer
        }
    }

    // MARK: The document

    private func document(_ agency: AgencyCode, _ text: String, _ caller: Caller) async throws -> Response {
        // The first bytes are read before the answer begins: a damaged store must not look like a short document.
        let (found, first) = try await node.read { [node] rows -> (Standing, ByteBuffer?) in
            let found = Standing.find(text, agency, rows)
            guard let row = found.row, row.payloadLength <= DocumentSource.runBytes else { return (found, nil) }
            node.hold(row.number)
            defer { node.hold(0) }
            return (found, try DocumentSource(row).bytes(at: 0, rows))
        }
        let row: EnvelopeRow
        switch found {
        case .waiting(let found), .handing(let found): row = found
        case .taken(let name):
            throw ControlError(
                status: .gone, error: "\(name) was taken by \(agency) before; its bytes are no longer here")
        case .other(let error):
            try await requireInbox(agency)
            throw error
        }
        guard let length = Int(exactly: row.payloadLength) else {
            throw ControlError.badRequest("the document is longer than this machine can send")
        }
        logger.debug(
            "control: document fetched",
            metadata: [
                "caller": "\(printable(caller.text))", "agency": "\(agency)", "envelope": "\(row.bundle.envelopeName)",
            ])
        let body: ResponseBody
        if let whole = first, whole.readableBytes == length {
            body = ResponseBody(byteBuffer: whole)
        } else {
            body = try await self.body(DocumentSource(row), row.number, length)
        }
        return Response(status: .ok, headers: [.contentType: "application/octet-stream"], body: body)
    }

    /// A document in runs, each read when the one before has been taken.
    private func body(_ source: DocumentSource, _ number: UInt64, _ length: Int) async throws -> ResponseBody {
        let node = self.node
        let first = try await node.readPayload(of: number) { rows in try source.bytes(at: 0, rows) }
        return ResponseBody(contentLength: length) { writer in
            var next = first
            var sent: UInt64 = 0
            while next.readableBytes > 0 {
                sent += UInt64(next.readableBytes)
                try await writer.write(next)
                guard sent < UInt64(length) else { break }
                let position = sent
                next = try await node.readPayload(of: number) { rows in try source.bytes(at: position, rows) }
            }
            try await writer.finish(nil)
        }
    }

    // MARK: Acknowledging

    private func acknowledge(
        _ agency: AgencyCode, _ request: Request, _ caller: Caller
    ) async throws -> AcknowledgeAnswer {
        let texts = try await acknowledged(request)
        let found = try await node.read { rows in texts.map { Standing.find($0, agency, rows) } }
        var unknown: Set<UInt64> = []
        if found.contains(where: { if case .handing = $0 { true } else { false } }) {
            unknown = Set(try node.picture(of: []).spoolViews.first { $0.agency == agency }?.unknown ?? [])
        }
        var numbers: [UInt64] = []
        var known: Set<UInt64> = []
        var alreadyTaken = 0
        var problems: [String] = []
        for standing in found {
            switch standing {
            case .waiting(let row): if known.insert(row.number).inserted { numbers.append(row.number) }
            case .taken: alreadyTaken += 1
            case .handing(let row) where unknown.contains(row.number):
                if known.insert(row.number).inserted { numbers.append(row.number) }
            case .handing(let row):
                problems.append(
                    "\(printable(row.bundle.envelopeName)) is being moved into the spool of \(agency), and is delivered there"
                )
            case .other(let error): problems.append(error.error)
            }
        }
        guard problems.isEmpty else {
            try await requireInbox(agency)
            throw ControlError.notFound(
                "nothing was acknowledged; edocctl inbox list \(agency) shows what is there", problems)
        }
        let taken = numbers.isEmpty ? 0 : try await node.acknowledgeInbox(agency, numbers)
        // Another caller may have been quicker.
        alreadyTaken += numbers.count - min(taken, numbers.count)
        logger.debug(
            "control: inbox acknowledged",
            metadata: [
                "caller": "\(printable(caller.text))", "agency": "\(agency)", "taken": "\(taken)",
                "envelopes": "\(numbers.map(String.init).joined(separator: " "))",
            ])
        return AcknowledgeAnswer(agency: agency.text, taken: taken, alreadyTaken: alreadyTaken)
    }

    private func acknowledged(_ request: Request) async throws -> [String] {
        let body: ByteBuffer
        do {
            body = try await request.body.collect(upTo: 1 << 20)
        } catch {
            throw ControlError.badRequest("the body is longer than 1 MiB; acknowledge in parts")
        }
        let bytes = Array(body.readableBytesView)
        guard let asked = try? ControlJSON.answer(AcknowledgeRequest.self, from: bytes) else {
            throw ControlError.badRequest(#"the body must be {"envelopes": ["NAME", …]}"#)
        }
        guard (1...AcknowledgeRequest.envelopesMax).contains(asked.envelopes.count) else {
            throw ControlError.badRequest("name 1 to \(AcknowledgeRequest.envelopesMax) envelopes")
        }
        return asked.envelopes
    }
}

/// How an envelope stands with an agency at home here.
private enum Standing: Sendable {
    case waiting(EnvelopeRow)
    /// On its way into the agency's spool.
    case handing(EnvelopeRow)
    case taken(String)
    case other(ControlError)

    /// Of a document that is here.
    var row: EnvelopeRow? {
        switch self {
        case .waiting(let row), .handing(let row): row
        case .taken, .other: nil
        }
    }

    static func find(_ text: String, _ agency: AgencyCode, _ rows: any RowReader) -> Standing {
        do {
            let (bundle, numbers) = try EnvelopeSearch.find(text, rows).resolved(text)
            // Made where it is said: most of what is asked for is here.
            var name: String { printable(bundle.envelopeName) }
            var isTaken = false
            var state: RecipientState?
            for row in numbers.compactMap({ EnvelopeSearch.envelope($0, rows) }) {
                guard let recipient = row.recipients.first(where: { $0.name == agency.text }) else { continue }
                if recipient.state == .arrived { return .waiting(row) }
                if recipient.state == .handing { return .handing(row) }
                if recipient.state == .delivered { isTaken = true }
                state = recipient.state
            }
            if isTaken { return .taken(name) }
            if let state, state.isQueued {
                return .other(
                    ControlError(
                        status: .conflict, error: "\(name) is not whole or not yet checked; try again in a while",
                        code: "notWhole"))
            }
            return .other(.notFound("\(name) is not in the inbox of \(agency)"))
        } catch let error as ControlError {
            return .other(error)
        } catch {
            return .other(.notFound("\(printable(text)) cannot be looked for"))
        }
    }
}

extension InboxAnswer.Document {
    fileprivate init(_ row: EnvelopeRow, _ agency: AgencyCode, _ mark: RestorationRow?, now: ClockReading) {
        let recipient = row.recipients.first { $0.name == agency.text }
        self.init(
            envelope: row.bundle.envelopeName, number: row.number, sender: row.document?.sender.text,
            documentID: row.document?.documentID, urgency: Int(row.urgency.rawValue), bytes: row.payloadLength,
            arrived: recipient.flatMap { now.timestamp($0.since) }, digest: row.document?.digest.hex,
            state: recipient?.state == .handing ? RecipientState.handing.word : nil)
        if row.document == nil {
            unvouched = true
            source = printable(row.bundle.source.text)
        }
        if let mark, let recipient, mark.mayRepeat(recipient, of: row.number) { mayRepeat = true }
    }
}

extension SpoolLine {
    init(_ view: SpoolView, now: ClockReading) {
        self.init(
            agency: view.agency.text, directory: view.directory, underWay: view.underWay,
            trouble: view.trouble.isEmpty ? nil : view.trouble, nextAttempt: view.nextAttempt.flatMap(now.timestamp))
        if view.waitsForRelease { waitsForRelease = true }
        if view.stuck > 0 { stuck = view.stuck }
    }
}
