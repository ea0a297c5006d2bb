// SubmitPage: POST /v1/submit. The body is the document, streamed to the node as it comes; memory does not grow with it. Either
// the query says who sends what to whom, or the body is an edXML package that says so itself: then its bytes are held until
// its header has ended, and an error found later takes the whole submission back. The answer goes out after the commit.

import ControlAPI
import EdXML
import Hummingbird
import NIOCore
import OpenSSLTLS
import RelayCore
import RelayModel
import RelayRouting

extension ControlServer {
    func addSubmit(to router: Router<ControlContext>) {
        router.post("v1/submit") { request, context in
            let rights = try await rights(context)
            do {
                guard rights.may(.submitAs) else { throw denied(rights.caller, "submit") }
                let answer = try await submit(request, rights)
                logger.debug(
                    "control: submitted",
                    metadata: [
                        "caller": "\(printable(rights.caller.text))", "sender": "\(answer.sender)",
                        "envelope": "\(answer.envelope)", "bytes": "\(answer.bytes)",
                    ])
                return try json(answer, status: answer.isRepeated == true ? .ok : .created)
            } catch let error as ControlError {
                if !error.isEngines {
                    let byStatus: SubmissionRefusal =
                        switch error.status {
                        case .forbidden: .notAuthorised
                        case .unprocessableContent: .badPackage
                        default: .badRequest
                        }
                    await node.countRefusal(error.cause ?? byStatus)
                }
                logger.notice(
                    "control: submission refused",
                    metadata: .event(
                        .submissionRefused,
                        [
                            "caller": "\(printable(rights.caller.text))",
                            "why": "\((error.problems.first ?? error.error))",
                        ]))
                throw error
            }
        }
    }

    private func submit(_ request: Request, _ rights: CallerRights) async throws -> SubmitAnswer {
        let query = try SubmitQuery(request, rights.caller)
        guard let length = request.headers[.contentLength].flatMap(UInt64.init) else {
            throw ControlError(
                status: .lengthRequired, error: "the length must be known before the first byte: send Content-Length")
        }
        guard length > 0 else { throw ControlError.badRequest("the document is empty") }
        if let sender = query.sender {
            let values = try values(
                sender: sender, recipients: query.recipients, urgency: query.urgency ?? .normal,
                documentID: query.documentID ?? "", length: length, query, rights)
            var upload = Upload(try await open(values), values: values, node: node.configuration.directory)
            return try await upload.run(request.body)
        }
        return try await submitPackage(request, query, length, rights)
    }

    /// Reads the package up to the end of its header, begins, and goes on.
    private func submitPackage(
        _ request: Request, _ query: SubmitQuery, _ length: UInt64, _ rights: CallerRights
    ) async throws -> SubmitAnswer {
        let reader = EdXMLReader()
        let cut = EdXMLHeaderCut()
        var held = ByteBuffer()
        var parts = request.body.makeAsyncIterator()
        while let part = try await parts.next() {
            let outcome = try Self.judging { () throws(EdXMLError) in
                try Self.feed(part, to: reader)
                return try Self.feed(part, to: cut)
            }
            held.writeImmutableBuffer(part)
            switch outcome {
            case .more: continue
            case .tooLong:
                throw ControlError.badRequest(
                    "the package's header does not end within \(EdXMLHeaderCut.headerBytesMax) bytes; it must come first"
                )
            case .header(let summary):
                // The reader takes 0...4 only.
                let urgency = Urgency(rawValue: summary.priority) ?? .normal
                let values = try values(
                    sender: summary.sender, recipients: summary.recipients, urgency: urgency,
                    documentID: summary.documentID, length: length, query, rights)
                var upload = Upload(try await open(values), values: values, node: node.configuration.directory)
                upload.package = (reader, summary)
                return try await upload.run(held, rest: parts)
            }
        }
        // The body ended within the header; the reader knows what is missing.
        _ = try Self.judging { () throws(EdXMLError) in try reader.finish() }
        throw ControlError.badRequest("the package has no header")
    }

    private func values(
        sender: String, recipients: [String], urgency: Urgency, documentID: String, length: UInt64,
        _ query: SubmitQuery, _ rights: CallerRights
    ) throws -> SubmissionValues {
        guard let code = node.configuration.directory.canonical(sender) else {
            var error = ControlError.refused(
                ["sender \(sender.debugDescription): no such agency in the directory"], .unknownAgency)
            // The engine has not seen it.
            error.isEngines = false
            error.cause = .unknownAgency
            throw error
        }
        guard rights.may(.submitAs, code) else { throw denied(rights.caller, "submit as \(code)") }
        return SubmissionValues(
            sender: code, recipients: recipients, urgency: urgency, documentID: documentID, payloadLength: length,
            lifetime: query.lifetime, key: query.key)
    }

    private func open(_ values: SubmissionValues) async throws -> any SubmissionStream {
        switch try await node.beginSubmission(values) {
        case .open(let stream): return stream
        case .refused(let problems, let cause): throw ControlError.refused(problems, cause)
        }
    }

    private static func feed(_ buffer: ByteBuffer, to cut: EdXMLHeaderCut) throws(EdXMLError) -> EdXMLHeaderCut.Outcome
    {
        let result: Result<EdXMLHeaderCut.Outcome, EdXMLError> = buffer.withUnsafeReadableBytes { raw in
            Result { () throws(EdXMLError) in try cut.feed(raw) }
        }
        return try result.get()
    }

    private static func feed(_ buffer: ByteBuffer, to reader: EdXMLReader) throws(EdXMLError) {
        try Upload.feed(buffer, to: reader)
    }

    private static func judging<Answer>(_ body: () throws(EdXMLError) -> Answer) throws(ControlError) -> Answer {
        do throws(EdXMLError) {
            return try body()
        } catch {
            throw Upload.refusal(error)
        }
    }
}

/// What the query of a submission says.
private struct SubmitQuery {
    var sender: String?
    var recipients: [String]
    var urgency: Urgency?
    var documentID: String?
    var lifetime: Milliseconds?
    var key: SubmissionKey?

    init(_ request: Request, _ caller: Caller) throws {
        let query = try ControlQuery(request, known: ["sender", "to", "urgency", "document", "lifetime"])
        sender = try query.one("sender")
        recipients = query.all("to").filter { !$0.isEmpty }
        urgency = try query.number("urgency", in: 0...4).flatMap { Urgency(rawValue: UInt8($0)) }
        documentID = try query.one("document")
        if let text = try query.one("lifetime") {
            guard let span = DurationText.parse(text), span > .zero else {
                throw ControlError.badRequest("lifetime must be a duration such as 12h or 30d")
            }
            lifetime = span
        }
        let keys = request.headers.filter { $0.name.canonicalName == "idempotency-key" }.map(\.value)
        if !keys.isEmpty {
            key = keys.count == 1 ? SubmissionKey(uid: caller.uid, text: keys[0]) : nil
            guard key != nil else {
                throw ControlError.badRequest(
                    "Idempotency-Key is one value of 1 to \(SubmissionKey.bytesMax) printable ASCII characters")
            }
        }
        if sender == nil, !recipients.isEmpty {
            throw ControlError.badRequest("to is given without sender; give both, or neither for an edXML package")
        }
        if sender != nil, recipients.isEmpty {
            throw ControlError.badRequest("sender is given without to; give both, or neither for an edXML package")
        }
        if sender == nil, urgency != nil || documentID != nil {
            throw ControlError.badRequest("an edXML package itself says its urgency and document ID; leave them out")
        }
    }
}

/// The bytes of one submission on their way to the node. Belongs to the task of its request.
private struct Upload {
    private let stream: any SubmissionStream
    private let values: SubmissionValues
    private let recipients: [String]
    private let hasher = SHA256Hasher()
    private var pushed: UInt64 = 0
    /// Small parts are put together: each push is an entry in the engine's mailbox.
    private var gathered = ByteBuffer()
    /// The package's reader, which has taken what `run` begins with, and what its header said.
    var package: (reader: EdXMLReader, header: EdXMLSummary)?

    private static let pushBytes = 128 << 10

    init(_ stream: any SubmissionStream, values: SubmissionValues, node directory: Directory) {
        self.stream = stream
        self.values = values
        var seen: [String] = []
        for text in values.recipients {
            let code = directory.canonical(text)?.text ?? text
            if !seen.contains(code) { seen.append(code) }
        }
        recipients = seen
    }

    /// Streams a whole body.
    mutating func run(_ body: RequestBody) async throws -> SubmitAnswer {
        try await run(ByteBuffer(), rest: body.makeAsyncIterator())
    }

    /// Streams what is held already and what is still to come. Whatever fails takes the submission back.
    mutating func run(_ held: ByteBuffer, rest: RequestBody.AsyncIterator) async throws -> SubmitAnswer {
        let warnings: [String]?
        do {
            var rest = rest
            try await push(held)
            while let part = try await rest.next() {
                if let package {
                    do throws(EdXMLError) { try Self.feed(part, to: package.reader) } catch {
                        throw Self.refusal(error)
                    }
                }
                try await push(part)
            }
            try await flush()
            guard pushed == values.payloadLength else {
                throw ControlError.badRequest(
                    "the body has \(pushed) bytes and not the \(values.payloadLength) announced")
            }
            warnings = try checkPackage()
        } catch {
            await stream.abandon()
            throw error
        }
        let digest = hasher.finish()
        switch try await stream.finish(digest: digest) {
        case .accepted(let bundle, let number):
            return answer(bundle, number, digest, warnings)
        case .repeated(let bundle, let number):
            var answer = answer(bundle, number, digest, warnings)
            answer.isRepeated = true
            return answer
        case .refused(let problems, let cause): throw ControlError.refused(problems, cause)
        }
    }

    private func answer(
        _ bundle: BundleID, _ number: UInt64, _ digest: Digest, _ warnings: [String]?
    ) -> SubmitAnswer {
        SubmitAnswer(
            envelope: bundle.envelopeName, number: number, sender: values.sender.text, recipients: recipients,
            bytes: pushed, digest: digest.hex, warnings: warnings)
    }

    private mutating func push(_ part: ByteBuffer) async throws {
        guard part.readableBytes > 0 else { return }
        part.withUnsafeReadableBytes { hasher.update($0) }
        pushed += UInt64(part.readableBytes)
        guard pushed <= values.payloadLength else {
            throw ControlError.badRequest("the body has more than the \(values.payloadLength) bytes announced")
        }
        if gathered.readableBytes == 0, part.readableBytes >= Self.pushBytes {
            return try await stream.push(part)
        }
        gathered.writeImmutableBuffer(part)
        if gathered.readableBytes >= Self.pushBytes { try await flush() }
    }

    private mutating func flush() async throws {
        guard gathered.readableBytes > 0 else { return }
        let bytes = gathered
        gathered = ByteBuffer()
        try await stream.push(bytes)
    }

    /// The package has ended; its header must be what it was when the submission began.
    /// What in it is not as it should be and was understood.
    private func checkPackage() throws(ControlError) -> [String]? {
        guard let package else { return nil }
        let whole: EdXMLSummary
        do throws(EdXMLError) { whole = try package.reader.finish() } catch { throw Self.refusal(error) }
        let header = package.header
        guard whole.sender == header.sender, whole.recipients == header.recipients, whole.priority == header.priority,
            whole.documentID == header.documentID
        else { throw ControlError.badRequest("the package says two things about its way; it must have one header") }
        var warnings = whole.warnings.map { printable($0.description) }
        if whole.warningsLeftOut > 0 { warnings.append("\(whole.warningsLeftOut) more warnings") }
        return warnings.isEmpty ? nil : warnings
    }

    static func refusal(_ error: EdXMLError) -> ControlError {
        ControlError(
            status: .unprocessableContent,
            error: "the edXML package is refused; for another kind of file give sender and to",
            problems: [printable(error.description)])
    }

    static func feed(_ buffer: ByteBuffer, to reader: EdXMLReader) throws(EdXMLError) {
        let failure: EdXMLError? = buffer.withUnsafeReadableBytes { raw in
            do throws(EdXMLError) {
                try reader.feed(raw)
                return nil
            } catch {
                return error
            }
        }
        if let failure { throw failure }
    }
}
