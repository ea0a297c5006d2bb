// BundleIssue: rules that a well-formed bundle breaks. The parser takes such a bundle, since published examples and
// nodes of other makes break some of them; whether the node takes it is the admission's decision. Values; cannot
// fail.

import RelayModel

public struct BundleIssue: Hashable, Sendable {
    public enum Code: String, Sendable, CaseIterable {
        case fragmentMustNotBe
        case recordRequestsReports
        case nullSourceMayBeFragmented
        case nullSourceRequestsReports
        case blockRequestsReports
        case noChecksum
        case noAge
        case documentLength
        case copyWithoutDocument
        case copyNotInDocument
    }

    public var code: Code
    /// Where the rule stands.
    public var clause: String
    public var sentence: String

    init(_ code: Code, _ clause: String, _ sentence: String) {
        self.code = code
        self.clause = clause
        self.sentence = sentence
    }
}

extension PrimaryBlock {
    /// Contradictions among the flags.
    public var issues: [BundleIssue] {
        var issues: [BundleIssue] = []
        if flags.contains([.isFragment, .mustNotBeFragmented]) {
            issues.append(
                BundleIssue(.fragmentMustNotBe, "RFC 9171, 4.2.3", "a fragment of a bundle that must not be fragmented")
            )
        }
        let requestsReports = !flags.isDisjoint(with: .reports)
        if flags.contains(.isAdministrativeRecord), requestsReports {
            issues.append(
                BundleIssue(.recordRequestsReports, "RFC 9171, 4.2.3", "an administrative record asks for reports"))
        }
        if hasNullSource {
            if !flags.contains(.mustNotBeFragmented) {
                issues.append(
                    BundleIssue(
                        .nullSourceMayBeFragmented, "RFC 9171, 4.2.3",
                        "an anonymous bundle does not say that it must not be fragmented"))
            }
            if requestsReports {
                issues.append(
                    BundleIssue(.nullSourceRequestsReports, "RFC 9171, 4.2.3", "an anonymous bundle asks for reports"))
            }
        }
        return issues
    }
}

extension BundleHeader {
    /// Everything that is wrong with this header though it could be read.
    public var issues: [BundleIssue] {
        var issues = primary.issues
        if primary.flags.contains(.isAdministrativeRecord) || primary.hasNullSource,
            blocks.contains(where: { $0.flags.contains(.reportIfUnprocessed) })
                || payload.flags.contains(.reportIfUnprocessed)
        {
            issues.append(
                BundleIssue(
                    .blockRequestsReports, "RFC 9171, 4.2.4", "a block of a record or anonymous bundle asks for reports"
                ))
        }
        if primary.crcType == .none, !isPrimarySigned {
            issues.append(
                BundleIssue(
                    .noChecksum, "RFC 9171, 4.3.1", "the primary block has neither a CRC nor an integrity block"))
        }
        if primary.creationTime == 0, !blocks.contains(where: { $0.type == .bundleAge }) {
            issues.append(
                BundleIssue(.noAge, "RFC 9171, 4.4.2", "a bundle of a source without a clock has no bundle age block"))
        }
        return issues + documentIssues
    }

    private var documentIssues: [BundleIssue] {
        var issues: [BundleIssue] = []
        if let document, document.payloadLength != primary.fragment?.totalLength ?? payload.length {
            issues.append(
                BundleIssue(
                    .documentLength, "protocol.md, block 240", "the payload's length differs from the document block's")
            )
        }
        guard let copy else { return issues }
        guard let document else {
            issues.append(
                BundleIssue(.copyWithoutDocument, "protocol.md, block 241", "a copy block without a document block"))
            return issues
        }
        let all = document.recipients
        let isPart =
            copy.recipients == all || copy.recipients.count == 1 && all.contains(copy.recipients[0])
            || Set(copy.recipients).isSubset(of: all)
        if !isPart {
            issues.append(
                BundleIssue(
                    .copyNotInDocument, "protocol.md, block 241", "the copy is for recipients that the document lacks"))
        }
        return issues
    }

    /// True if an integrity block names the primary block as a target (RFC 9172, 3.6).
    private var isPrimarySigned: Bool {
        blocks.contains { $0.type == .integrity && $0.securityTargets.contains(0) }
    }
}
