// StatusCommand: `edocctl status`.

import ArgumentParser
import ControlAPI

struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "status", abstract: "How the node stands.")

    @OptionGroup var common: CommonOptions

    func run() async throws { try await common.show(ControlPath.status, StatusView.text) }
}

enum StatusView {
    static func text(_ answer: StatusAnswer) -> String {
        var facts = FactList()
        facts.add("node", "\(answer.node), edocd \(answer.version)")
        facts.add("up", "\(Shown.span(answer.uptimeSeconds)), since \(Shown.time(answer.started))")
        facts.add("listening", answer.listening.isEmpty ? Sentences.nowhere : answer.listening.joined(separator: ", "))
        for (index, line) in answer.attention.enumerated() { facts.add(index == 0 ? "attention" : "", line) }
        if answer.attention.isEmpty { facts.add("attention", Sentences.nothing) }
        facts.add("links", "\(answer.links.up) up, \(answer.links.down) down")
        let states = ["waiting", "deferred", "held", "deleting", "arrived", "corrupt"].compactMap { state in
            answer.inStore[state].map { "\(state) \($0)" }
        }
        facts.add("recipients", states.joined(separator: ", "))
        facts.add(
            "envelopes",
            "\(answer.store.envelopes) with \(Shown.size(answer.store.payloadBytes)), \(answer.active) active, "
                + "\(Shown.size(answer.stagedBytes)) coming in")
        let store = answer.store
        facts.add(
            "store",
            "\(Shown.size(store.usedBytes)) used of a file of \(Shown.size(store.fileBytes)), "
                + "\(Shown.size(store.acceptableBytes)) left")
        facts.add("reserve", "\(Shown.size(store.reserveBytes)) of \(Shown.size(store.freeBytes)) free")
        let memory = answer.memory
        facts.add(
            "memory",
            "\(Shown.size(memory.rssAnon)) anonymous, \(Shown.size(memory.rssShmem)) shared, "
                + "\(Shown.size(memory.rssFile)) of files")
        return facts.text
    }

    private enum Sentences {
        static let nowhere = "nowhere: this node only dials"
        static let nothing = "nothing needs a person"
    }
}
