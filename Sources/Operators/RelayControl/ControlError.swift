// ControlError: why a request got no positive answer: an HTTP status, one line that says what to do, and one line for each
// thing that is wrong. Thrown by the handlers, turned into an answer in one place. What callers wrote stands in it escaped.

import ControlAPI
import Hummingbird
import NIOCore
import RelayCore

struct ControlError: Error {
    var status: HTTPResponse.Status
    var error: String
    var problems: [String] = []
    /// True when the engine has refused, and counted, it.
    var isEngines = false
    /// As what the refusal of a submission is counted; nil: the status says it.
    var cause: SubmissionRefusal?
    /// A stable word for programs; nil: cause or status say it.
    var code: String?

    /// What a program may rely on: the sentences are for people and may change.
    var stableCode: String {
        if let code { return code }
        if let cause { return cause.rawValue }
        return switch status.code {
        case 400: "badRequest"
        case 403: "notAuthorised"
        case 404: "notFound"
        case 409: "conflict"
        case 410: "gone"
        case 411: "lengthRequired"
        case 413: "tooLarge"
        case 422: "badPackage"
        case 429: "tooMany"
        case 503: "unavailable"
        case 504: "timeout"
        case 507: "noResources"
        default: status.code < 500 ? "badRequest" : "internal"
        }
    }

    static func badRequest(_ error: String, _ problems: [String] = []) -> ControlError {
        ControlError(status: .badRequest, error: error, problems: problems)
    }

    static func notFound(_ error: String, _ problems: [String] = []) -> ControlError {
        ControlError(status: .notFound, error: error, problems: problems)
    }

    static func forbidden(_ caller: Caller, _ verb: String) -> ControlError {
        ControlError(
            status: .forbidden,
            error: "\(printable(caller.text)) may not \(verb) here; control.rights in edocd.yaml gives such rights")
    }

    /// The node refuses a submission.
    static func refused(_ problems: [String], _ cause: SubmissionRefusal) -> ControlError {
        let status: HTTPResponse.Status =
            switch cause {
            case .unknownAgency, .noRoute: .unprocessableContent
            case .notAuthorised: .forbidden
            case .tooLarge: .contentTooLarge
            case .noResources: .init(code: 507, reasonPhrase: "Insufficient Storage")
            case .badRequest: .badRequest
            case .badPackage: .unprocessableContent
            case .keyConflict: .conflict
            }
        return ControlError(
            status: status,
            error: cause == .noResources
                ? "the document is not taken at this time (\(cause.rawValue)); nothing is wrong with it"
                : "the document is refused as a whole (\(cause.rawValue)); correct what is named and submit it again",
            problems: problems.map(printable), isEngines: true, cause: cause)
    }

    var response: Response {
        // An error has no values that JSON cannot say.
        let bytes = (try? ControlJSON.bytes(ErrorAnswer(error: error, problems: problems, code: stableCode))) ?? []
        return Response(
            status: status, headers: [.contentType: "application/json"],
            body: .init(byteBuffer: ByteBuffer(bytes: bytes)))
    }
}

/// Text of a caller or a peer as it may stand in a sentence: one line, nothing that steers a terminal.
func printable(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars.prefix(1_000) {
        switch scalar.properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator:
            result += "\\u{" + String(scalar.value, radix: 16) + "}"
        default: result.unicodeScalars.append(scalar)
        }
    }
    return result
}
