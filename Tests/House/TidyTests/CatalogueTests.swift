// CatalogueTests: what the relay says to people has its Vietnamese entry, and no entry is left of what nobody says any more. The sentences
// are read off all sources: string literals, with `%` for what is put in. What no person sees, and parts of sentences, stand in lists of
// their own.

import Glibc
import Testing

@Suite struct CatalogueTests {
    /// Sources whose texts no operator sees on a screen, and why.
    private static let silent: [(path: String, why: String)] = [
        ("Sources/Base/Language/", "the two languages themselves"), ("Sources/Base/RelayLanguage/", "the entries"),
        ("Sources/Wire/BundleProtocol/", "what is wrong with a peer's bundle goes to the log"),
        ("Sources/Core/RelayCore/Admission.swift", "why a peer's bundle is refused goes to the log"),
        ("Sources/Core/RelayCore/ForeignAdmission.swift", "the same"),
        ("Sources/Core/RelayCore/Incoming.swift", "the same, of what is half-received"),
        ("Sources/Node/RelaySession/Conversation+Receiving.swift", "the same"),
        ("Sources/Node/RelaySession/DispatchHeader.swift", "the same, of what is sent on"),
        ("Sources/Node/RelaySession/IncomingBundle.swift", "the same"),
        ("Sources/Node/RelaySession/WireFrame.swift", "frames by the names of the protocol"),
        ("Sources/Operators/RelayControl/MetricsPage.swift", "figures for programs"),
        ("Sources/Operators/RelayConfiguration/ConfigurationKeys.swift", "the commented configuration file is English"),
        ("Sources/Operators/RelayConfiguration/DefaultsText.swift", "the same"),
        ("Sources/Operators/RelayControl/ClientDrops.swift", "notices of the log"),
        ("Sources/Node/RelayNode/BulkFrames.swift", "answers to programs on the submission socket"),
        ("Sources/Node/RelayNode/BulkSubmission.swift", "the same"),
        ("Sources/Operators/RelayControl/TakeFrames.swift", "the same, on the take socket"),
        ("Sources/Node/RelayNode/RelayClock.swift", "notices of the log"),
        ("Sources/Base/Trap/", "the sentence with which a bug ends the program"),
        ("Sources/Base/Monotonic/", "the same"),
        ("Sources/Node/RelayNode/RepeatedNotices.swift", "notices of the log"),
        ("Sources/Base/Journal/", "notices of the log"),
        ("Sources/Store/RelayStore/MemoryStore.swift", "of tests"), ("Sources/Node/RelaySimulator/", "of tests"),
        ("Sources/Programs/edoc-sim/", "of tests"), ("Sources/Programs/edoc-bench/", "of tests"),
        ("Sources/Programs/edoc-chunk-layout/", "of tests"), ("Sources/Programs/edoc-flips/", "of tests"),
        ("Sources/Programs/edoc-manual/", "when the package is built"),
        ("Sources/Wire/Editions/MadeDirectory.swift", "a made directory, of tests and of the benchmark"),
    ]

    /// What is put together with others to sentences that have entries, or never shown as it is.
    private static let parts: [String: Set<String>] = [
        "Sources/Operators/ControlAPI/SelectorValues.swift": ["unknown field % in a selector; known: "],
        "Sources/Operators/ControlAPI/Timestamp.swift": ["not a time: %"],
        // The names in law are Vietnamese in every language.
        "Sources/Base/RelayModel/Urgency.swift": ["Thượng khẩn"],
        "Sources/Documents/EdXML/EdXMLDraft.swift": ["Công văn"],
        // Names of fields, before a colon; and the XML itself.
        "Sources/Documents/EdXML/EdXMLWriter.swift": [
            "sent at", "attachment name", "<?xml version=\"1.0\" encoding=\"UTF-8\"?>n<edXML xmlns=\"%\">n",
            "  <edXML:edXMLEnvelope xmlns:edXML=\"%\">n    <edXML:edXMLHeader>n",
            "      <edXML:edXMLManifest version=\"1.0\">n",
            "      <edXML:ContentTransferEncoded xmlns:edXML=\"%\">",
        ],
        "Sources/Wire/OpenSSLTLS/CertificateVerdict.swift": [
            "the certificate of \"%\"", "the peer's certificate", "% is not valid yet", "% is revoked", "% has expired",
            "the issuer of % has no CRL in the CRL file", "% does not lead to a trusted CA", "% is not acceptable",
        ],
        "Sources/Operators/RelayConfiguration/AgenciesFile.swift": [" that is known here"],
        "Sources/Operators/RelayConfiguration/ConfigurationDiff.swift": [
            "  % and % more", "%: home % to %", "%: via % to %", "% of %", "%: % to %", "% via %",
            "%: settings changed",
        ],
        "Sources/Operators/RelayConfiguration/ConfigurationError.swift": ["expected %, found %", "; did you mean %?"],
        "Sources/Operators/RelayConfiguration/ConfigurationKey.swift": [", or %", "one of ", "a list of "],
        "Sources/Operators/RelayConfiguration/NodeConfigurationDecoding.swift": ["at most %.%, %"],
        "Sources/Operators/RelayControl/Caller.swift": ["uid %"],
        "Sources/Operators/RelayControl/LogPages.swift": ["level is one of "],
        "Sources/Operators/RelayControl/StatusPages.swift": ["links down: % (%)"],
        "Sources/Operators/RelayControl/StuckJudge.swift": [
            ", asked again in %", "it says that it has no resources%", "it dials us, and has not; % for it",
            "% under way, and nothing was acknowledged for %",
            "it is up, % for it, and none is under way; edocctl show says why",
        ],
        "Sources/Core/RelayCore/CoreView.swift": [
            "until resumed", "for another %", "% is suspended by % %: %", "down for %", "% is %; it dials us%",
            "% is %, % failed%", ", and comes after %", ", and waits for one before it that has just been lost",
            "; it may come back before others take over",
        ],
        "Sources/Core/RelayCore/CoreFindings.swift": [" (waiting: %, urgency % for %)"],
        "Sources/Core/RelayCore/RefusalBook.swift": [
            "a document of %", "; % more of this cause since the last line",
        ],
        "Sources/Core/RelayCore/HiddenInboxes.swift": [
            "% would become another spelling of %, and %% documents lie in its inbox here: have them taken first",
            "% is another spelling of % now, and nobody can take what lies in its inbox here: %%; take the alias away, reload, and have it taken first",
        ],
        // To the log, by a variable.
        "Sources/Core/RelayCore/ClockJudge.swift": [
            "expiry is suspended: the clock is doubted", "the clock is believed again",
        ],
        "Sources/Core/RelayCore/Reports.swift": [
            "reports of % may not come this way", "the store is full up to its reserve",
        ],
        "Sources/Core/RelayCore/Answers.swift": ["; its time is of the future: the sender\'s clock was ahead"],
        "Sources/Node/RelaySession/Conversation+Sending.swift": ["no header for the next hop: %"],
        "Sources/Core/RelayCore/DeedSteps.swift": ["held by %, job %%"],
        "Sources/Core/RelayCore/Jobs.swift": [
            "%: % of %, % skipped, % failed", "% to %", "job %: ", "job %, %: ", ", until resumed", ", for %",
            ", % ended as expired", ", % held beyond their lifetime", "done: % of % undone%",
        ],
        // A word of its own in edocctl: `Words.file`.
        "Sources/Node/RelayNode/Examination.swift": ["store file"],
        "Sources/Node/RelayNode/ServiceSockets.swift": [
            "control.socket, control.submit_socket nor control.take_socket",
            "the service manager's socket % listens at %, which ",
            "neither % names", "% does not name", "; change the one or the other, or: systemctl disable --now %",
            "port %",
        ],
        // Words of their own in edocctl: `Words.skipped`.
        "Sources/Store/RelayRows/JobRows.swift": [
            "on a link", "in doubt", "no way", "not handed in here", "not held and expired", "held since the restore",
            "expired since the preview",
        ],
        "Sources/Store/RelayStore/StoreIdentity.swift": ["The store in %"],
        "Sources/Store/RelayStore/StillStore.swift": ["page %: "],
        // To the log, by a variable.
        "Sources/Store/RelayStore/StoreOpening.swift": [
            "page %: ", "the order of the rows was broken in: %; % put right, % taken out",
            "% records cannot be read, in: %",
        ],
        "Sources/Core/RelayCore/Queue.swift": ["the record of an envelope could not be read"],
        "Sources/Core/RelayCore/Reckoning.swift": [
            "rows out of their place in: ", "a counter would have fallen below zero",
            "the next start of the daemon puts them right", "they are where they belong again",
            "% envelopes and % payloads are in order", "% index rows led nowhere and are gone",
            "% index rows were missing and are there again", "% counters were set right",
            "% envelopes were set aside by name",
            "% records were set aside that no label names: their envelopes had ended", "% payloads cannot be read",
            "of % envelopes and % payloads: ", "the one before was cut off",
            "a store of an earlier version: its envelopes get their labels",
        ],
        "Sources/Programs/edocctl/AuditCommand.swift": ["uid %"],
        "Sources/Programs/edocctl/CheckLadder.swift": ["%, edocd %"],
        "Sources/Programs/edocctl/ChildOutput.swift": ["cannot run"],
        // Command lines.
        "Sources/Programs/edocctl/DeedCommands.swift": [
            "n    edocctl % --apply %n", "% (uid %), %", "edocctl % --undo %",
        ],
        "Sources/Programs/edocctl/Doctor+Files.swift": ["uid %", "chmod go-w %", "chown % %", "store file"],
        "Sources/Programs/edocctl/Doctor+Machine.swift": ["edocctl reload"],
        "Sources/Programs/edocctl/Doctor.swift": [" has expired"],
        "Sources/Programs/edocctl/Edocctl.swift": ["edocctl %"],
        "Sources/Programs/edocctl/DocumentFile.swift": [
            "cannot read", "cannot read %: it is not a regular file, and its length must be known first",
            "cannot write",
        ],
        "Sources/Programs/edocctl/PackageCommand.swift": ["Công văn"],
        "Sources/Programs/edocctl/ReloadCommand.swift": [": needs force"],
        // Texts inside the file for support, which is English.
        "Sources/Programs/edocctl/Redaction.swift": ["operator log"],
        "Sources/Programs/edocctl/Report.swift": [
            "left out, it is not understood", "not asked, the daemon had not answered before",
            "left out, this daemon has no such page", "edocctl report, %n",
        ],
        "Sources/Programs/edocctl/ReportCommand.swift": ["edocd --examine cannot be run"],
        "Sources/Programs/edocctl/StatusCommand.swift": [
            "%, edocd %", "links down: ", " more are down: ", "1 more is down: ",
        ],
        "Sources/Programs/edocctl/PeersView.swift": ["edocctl peers NODE", "edocd %"],
        "Sources/Programs/edocctl/TopView.swift": ["%  edocd %  ", "edocctl queue"],
        "Sources/Programs/edocctl/Words.swift": [
            "cơ quan %", "đang tạm ngừng: ", "on a link", "held since the restore", "in doubt", "no way",
            "not handed in here", "not held and expired", "expired since the preview", "store file",
        ],
    ]

    /// Entries of sentences that the sources put together of parts.
    private static let composed: Set<String> = [
        "%: %", "% (%)", "route: %", "links down: %", "one of %", "a list of %", "level is one of %", "at most %, %",
        "warning: %", "% down for % (waiting: %, urgency % (%) for %): %",
        "% down for % (waiting: %, urgency % (%) for %)",
        "%: expected %, found %", "%: expected %, found %; did you mean %?", "% changes only with a restart",
        "unknown field % in a selector; known: %", "% for good", "% for %", "job %: %", "job %, %: %",
        "done: % of %, % skipped, % failed", "%, until resumed", "%, for %",
        "job %: %, for %", "job %: %, until resumed",
        "cancelled: % of %, % skipped, % failed", "done: % of % undone, % held beyond their lifetime",
        "key file % is not the key of certificate file %",
        "an agency code, a subtree such as H29.*, a node or * that is known here",
        "the service manager's socket % listens at %, which neither control.socket, control.submit_socket nor control.take_socket names; "
            + "change the one or the other, or: systemctl disable --now %",
        "the service manager's socket % listens at %, which listen does not name; change the one or the other, or: "
            + "systemctl disable --now %",
        "+ and % more", "> and % more", "* and % more", "- and % more", "> %: via % to %", "* %: via %", "> %: % to %",
        "+ % via %",
        "- % via %",
        "+ % of %", "- % of %", "cannot read %: %", "cannot write %: %", "cannot run %: %",
        "it is not a regular file, and its length must be known first", "code: %",
        "recipients: %", "document ID: %", "subject: %", "priority: %", "sent at: %", "attachments: %",
        "attachment name: %", "text: %", "peer %", "agency %", "%, and comes after %",
        "%, and waits for one before it that has just been lost", "%; it may come back before others take over",
        "1 dial failed", "1 dial failed: %", "% dials failed", "% dials failed: %",
        "failed; the old configuration stays", "page %: %", "refused a document of % (%): %", "refused a bundle (%): %",
        "% would become another spelling of %, and % documents lie in its inbox here: have them taken first",
        "% would become another spelling of %, and more than % documents lie in its inbox here: have them taken first",
        "% is another spelling of % now, and nobody can take what lies in its inbox here: %; take the alias away, reload, and have it taken first",
        "% is another spelling of % now, and nobody can take what lies in its inbox here: more than %; take the alias away, reload, and have it taken first",
    ]

    @Test func everySentenceHasItsEntry() throws {
        let known = Set(try Self.entries().map(\.english))
        #expect(known.count > 700)
        let patterns = known.filter { $0.contains("%") && Self.letters($0) > 12 }.map(Self.pattern)
        var looked = 0
        var found: Set<String> = []
        for file in try SourceTree.files("Sources") where !Self.silent.contains(where: { file.path.hasPrefix($0.path) })
        {
            let speaksBoth = ["edocctl", "edocd"].contains(file.module)
            let parts = Self.parts[file.path] ?? []
            for literal in SourceLiterals.of(file.text) where Self.isSentence(literal.text) && !literal.isLogged {
                if speaksBoth, literal.isPaired { continue }
                looked += 1
                if parts.contains(literal.text) {
                    found.insert(file.path + literal.text)
                    continue
                }
                if known.contains(literal.text) || patterns.contains(where: { $0(literal.text) }) { continue }
                Issue.record("\(file.path):\(literal.line): \(literal.text.debugDescription) has no Vietnamese entry")
            }
        }
        #expect(looked > 500)
        for (path, parts) in Self.parts {
            for part in parts where !found.contains(path + part) {
                Issue.record("\(part.debugDescription) is no part of a sentence in \(path) any more")
            }
        }
    }

    @Test func everyEntryIsOfASentence() throws {
        var said: Set<String> = []
        for file in try SourceTree.files("Sources") where !["Language", "RelayLanguage"].contains(file.module) {
            said.formUnion(SourceLiterals.of(file.text).map(\.text))
        }
        let patterns = said.filter { $0.contains("%") && Self.letters($0) >= 6 }.map(Self.pattern)
        let system = Set((1..<200).map { String(cString: strerror($0)) })
        for entry in try Self.entries() where entry.file != "CatalogueEntries+System.swift" {
            let english = entry.english
            if said.contains(english) || Self.composed.contains(english) || system.contains(english) { continue }
            if patterns.contains(where: { $0(english) }) { continue }
            Issue.record("\(entry.file): nobody says \(english.debugDescription) any more")
        }
    }

    /// A value that the Vietnamese names is one of the English sentence, and none is lost.
    @Test func everyValueIsNamed() throws {
        for entry in try Self.entries() {
            let count = entry.english.filter { $0 == "%" }.count
            let named = entry.vietnamese.matches(of: /%[wtn=]?([1-9])/).compactMap {
                $0.output.1.first?.wholeNumberValue
            }
            #expect(named.allSatisfy { $0 <= count }, "\(entry.english)")
            for number in 1...max(count, 1) where count > 0 {
                // A sign of percent in the English text counts as a value, and so does one named twice.
                // What stands for the kind of a file is put in already.
                if entry.vietnamese.contains("% ") { continue }
                if entry.english.contains("% would be") || entry.english.contains("% moved or removed") { continue }
                #expect(named.contains(number), "\(entry.english): %\(number) is not in the Vietnamese")
            }
        }
    }

    /// The pairs of the entries, as the sources write them.
    private static func entries() throws -> [(file: String, english: String, vietnamese: String)] {
        var result: [(String, String, String)] = []
        for file in try SourceTree.files("Sources") {
            let name = String(file.path.split(separator: "/").last ?? "")
            guard name.hasPrefix("CatalogueEntries") else { continue }
            // Pairs stand side by side; what stands alone is a key of a table or part of a template.
            let literals = SourceLiterals.of(file.text)
            var index = 0
            while index + 1 < literals.count {
                guard literals[index].isPaired, literals[index + 1].isPaired else {
                    index += 1
                    continue
                }
                result.append((name, literals[index].text, literals[index + 1].text))
                index += 2
            }
        }
        return result
    }

    /// Two words of letters, one after the other.
    private static func isSentence(_ text: String) -> Bool {
        text.firstMatch(of: /[a-z]{2,} [a-z%]/) != nil && !text.hasPrefix("control: ")
    }

    private static func letters(_ text: String) -> Int { text.filter(\.isLetter).count }

    /// Whether a text is a template with its values filled in.
    private static func pattern(_ template: String) -> (String) -> Bool {
        let parts = template.split(separator: "%", omittingEmptySubsequences: false)
        return { text in
            guard let first = parts.first, let last = parts.last, text.hasPrefix(first) else { return false }
            var rest = text.dropFirst(first.count)
            for part in parts.dropFirst().dropLast() {
                guard let found = rest.firstRange(of: part) else { return false }
                rest = rest[found.upperBound...]
            }
            return rest.hasSuffix(last)
        }
    }
}
