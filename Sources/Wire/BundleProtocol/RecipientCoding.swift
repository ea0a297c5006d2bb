// RecipientCoding: agency codes in our private blocks and records, and the rules for lists of recipients. Fails with a
// BundleError of the code that the caller names.

import NIOCore
import RelayModel

extension CBORReader {
    mutating func readAgencyCode(_ code: BundleError.Code) throws(BundleError) -> AgencyCode {
        let before = position
        guard let agency = AgencyCode(try readText(bytesMax: AgencyCode.textBytesMax)) else {
            throw failure(at: before, code, "a text is not an agency code")
        }
        return agency
    }

    mutating func readRecipients(_ code: BundleError.Code) throws(BundleError) -> [AgencyCode] {
        var list = try openList(countMax: DocumentDescription.recipientsMax)
        var recipients: [AgencyCode] = []
        recipients.reserveCapacity(list.stated)
        while try list.hasNext(&self) { recipients.append(try readAgencyCode(code)) }
        guard recipients.isListOfRecipients else {
            throw failure(code, "the recipients are not 1 to \(DocumentDescription.recipientsMax) different agencies")
        }
        return recipients
    }
}

extension CBOROutput {
    mutating func writeCBOR(recipients: [AgencyCode]) {
        writeCBOR(arrayOf: recipients.count)
        for recipient in recipients { writeCBOR(text: recipient.text) }
    }
}

extension [AgencyCode] {
    /// True for 1...1,000 codes without repetition.
    fileprivate var isListOfRecipients: Bool {
        guard !isEmpty, count <= DocumentDescription.recipientsMax else { return false }
        return count == 1 || Set(self).count == count
    }

    func checkAsRecipients(_ code: BundleError.Code) throws(BundleError) {
        guard isListOfRecipients else {
            throw BundleError(
                code, "the recipients are not 1 to \(DocumentDescription.recipientsMax) different agencies")
        }
    }
}
