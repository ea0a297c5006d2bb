// JSONLines: what a run of the benchmark has printed, read again: for comparing two programs, and for docs/figures.md. What is not a
// line of a case is passed over.

import FoundationEssentials

/// A value that was printed as JSON.
indirect enum ReadFigure: Decodable, Sendable {
    case number(Double)
    case text(String)
    case flag(Bool)
    case list([ReadFigure])
    case fields([String: ReadFigure])
    case nothing

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .nothing
        } else if let value = try? container.decode(Bool.self) {
            self = .flag(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .text(value)
        } else if let value = try? container.decode([ReadFigure].self) {
            self = .list(value)
        } else {
            self = .fields(try container.decode([String: ReadFigure].self))
        }
    }

    /// What stands under a name, or under names one inside the other with dots between.
    subscript(_ path: String) -> ReadFigure {
        path.split(separator: ".").reduce(self) { value, name in
            if case .fields(let fields) = value { return fields[String(name)] ?? .nothing }
            return .nothing
        }
    }
    var number: Double? { if case .number(let value) = self { value } else { nil } }
    var text: String? { if case .text(let value) = self { value } else { nil } }
    var flag: Bool? { if case .flag(let value) = self { value } else { nil } }
    var list: [ReadFigure] { if case .list(let values) = self { values } else { [] } }
    var names: [String] { if case .fields(let fields) = self { fields.keys.sorted() } else { [] } }

    /// All numbers below, by their paths.
    var numbers: [String: Double] {
        switch self {
        case .number(let value): ["": value]
        case .fields(let fields):
            fields.reduce(into: [:]) { result, field in
                for (path, value) in field.value.numbers {
                    result[path.isEmpty ? field.key : field.key + "." + path] = value
                }
            }
        default: [:]
        }
    }
}

/// The lines of cases in one or more files.
enum JSONLines {
    static func read(_ text: String) -> [ReadFigure] {
        text.split(separator: "\n").filter { $0.hasPrefix("{\"case\"") }.compactMap {
            try? JSONDecoder().decode(ReadFigure.self, from: Data($0.utf8))
        }
    }

    static func read(file path: String) throws -> [ReadFigure] {
        var lines: [ReadFigure] = []
        try LineReader.each(of: path) { lines += read(String($0)) }
        return lines
    }
}
