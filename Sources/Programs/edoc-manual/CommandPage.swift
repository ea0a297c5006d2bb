// CommandPage: the page of a program, from the description of its command line that swift-argument-parser prints, and a few
// paragraphs that no option can tell.

import Foundation
import Language

/// A command as `--experimental-dump-help` tells it (serialization version 0); what is not needed is not read.
struct CommandDescription: Decodable {
    var commandName: String
    var abstract: String?
    var discussion: String?
    var shouldDisplay: Bool?
    var arguments: [ArgumentDescription]?
    var subcommands: [CommandDescription]?
}

struct ArgumentDescription: Decodable, Hashable {
    struct Name: Decodable, Hashable {
        var kind: String
        var name: String
        var text: String { (kind == "long" ? "--" : "-") + name }
    }
    var kind: String
    var isOptional: Bool
    var isRepeating: Bool
    var shouldDisplay: Bool?
    var names: [Name]?
    var valueName: String?
    var defaultValue: String?
    var abstract: String?

    /// As it is written on a command line.
    var form: String {
        var text = "<" + HelpText.placeholder(valueName ?? "") + ">"
        if kind != "positional" {
            let all = (names ?? []).map(\.text)
            text =
                all.joined(separator: "|")
                + (kind == "option" ? " <" + HelpText.placeholder(valueName ?? "") + ">" : "")
        }
        return text + (isRepeating ? "..." : "")
    }

    var isHelp: Bool { (names ?? []).contains { $0.name == "help" } }
}

struct CommandPage {
    enum Program: String {
        case edocd
        case edocctl
    }

    private struct Dump: Decodable {
        var serializationVersion: Int
        var command: CommandDescription
    }

    private(set) var page: Page
    /// Arguments that most commands have are told once.
    private var common: [ArgumentDescription] = []
    private static let commonMin = 4

    init(_ input: Data, _ program: Program, version: String) throws {
        let dump: Dump
        do {
            dump = try JSONDecoder().decode(Dump.self, from: input)
        } catch {
            throw InputFailure(description: "the help is not in the form that is known: \(error)")
        }
        guard dump.serializationVersion == 0, dump.command.commandName == program.rawValue else {
            throw InputFailure(description: "the help is of another program or in another form")
        }
        page = Page(program.rawValue, section: 8, version: version)
        let root = dump.command
        common = Self.common(root)
        page.heading(phrase("name", "tên"))
        page.paragraph("\(program.rawValue) - \(sentence(root.abstract))")
        page.heading(phrase("synopsis", "cú pháp"))
        if root.subcommands?.isEmpty == false {
            page.synopsis(program.rawValue, [phrase("<command> [options]", "<lệnh> [tùy chọn]")])
        } else {
            page.synopsis(program.rawValue, shown(root).map(Self.optional))
        }
        page.heading(phrase("description", "mô tả"))
        for words in program.description { page.paragraph(words) }
        addOptions(root)
        addCommands(root, program)
        program.close(&page)
    }

    private mutating func addOptions(_ root: CommandDescription) {
        let own = shown(root).filter { $0.kind != "positional" }
        guard !own.isEmpty || !common.isEmpty else { return }
        page.heading(phrase("options", "tùy chọn"))
        for argument in own + common { add(argument) }
    }

    private mutating func addCommands(_ root: CommandDescription, _ program: Program) {
        let commands = (root.subcommands ?? []).filter { $0.commandName != "help" && $0.shouldDisplay != false }
        guard !commands.isEmpty else { return }
        page.heading(phrase("commands", "các lệnh"))
        for command in commands { add(command, path: program.rawValue) }
    }

    private mutating func add(_ command: CommandDescription, path: String) {
        let name = path + " " + command.commandName
        page.subheading(name)
        page.paragraph(sentence(command.abstract))
        if let discussion = command.discussion { page.paragraph(discussion) }
        let children = (command.subcommands ?? []).filter { $0.commandName != "help" && $0.shouldDisplay != false }
        if children.isEmpty {
            page.synopsis(name, shown(command).map(Self.optional))
            for argument in shown(command) where !common.contains(argument) { add(argument) }
        }
        for child in children { add(child, path: name) }
    }

    private mutating func add(_ argument: ArgumentDescription) {
        var meaning = sentence(argument.abstract)
        if let value = argument.defaultValue { meaning += " " + phrase("Default: \(value).", "Mặc định: \(value).") }
        page.item(argument.form, meaning)
    }

    private func shown(_ command: CommandDescription) -> [ArgumentDescription] {
        (command.arguments ?? []).filter { $0.shouldDisplay != false && !$0.isHelp }
    }

    private static func optional(_ argument: ArgumentDescription) -> String {
        argument.isOptional ? "[\(argument.form)]" : argument.form
    }

    private static func common(_ root: CommandDescription) -> [ArgumentDescription] {
        var counts: [ArgumentDescription: Int] = [:]
        var order: [ArgumentDescription] = []
        func count(_ command: CommandDescription) {
            let options = (command.arguments ?? []).filter { $0.shouldDisplay != false && $0.kind != "positional" }
            for argument in options where !argument.isHelp {
                if counts[argument] == nil { order.append(argument) }
                counts[argument, default: 0] += 1
            }
            for child in command.subcommands ?? [] where child.commandName != "help" { count(child) }
        }
        count(root)
        guard root.subcommands?.isEmpty == false else { return [] }
        return order.filter { counts[$0, default: 0] >= commonMin }
    }

    private func sentence(_ text: String?) -> String { text ?? "" }
}
