// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletProtocol

/// What nodes tell each other over the bus, as one JSON object.
enum ControlMessage: Equatable, Sendable {
    /// A revocation that no durable topic carries, or that validation found.
    case invalidation(Invalidation)
    /// A node is there. With a hello it has just come, and the others greet it.
    case announcement(ClusterMember, isHello: Bool)
    /// A node has ended, by identifier.
    case goodbye(String)
    case question(SurveyQuestion)
    case answer(SurveyAnswer)
    /// A revocation was appended to the stream in Redis.
    case appended(StreamID)

    var json: [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        switch self {
        case .invalidation(let invalidation):
            writer.member("source", invalidation.source.rawValue)
            writer.member("invalidation", raw: InvalidationEncoder.martlet(invalidation))
        case .announcement(let member, let isHello):
            writer.member("hello", ifTrue: isHello)
            writer.key("member")
            member.write(to: &writer)
        case .goodbye(let id): writer.member("goodbye", id)
        case .question(let question):
            writer.key("question")
            question.write(to: &writer)
        case .answer(let answer):
            writer.key("answer")
            answer.write(to: &writer)
        case .appended(let id): writer.member("appended", id.description)
        }
        writer.endObject()
        return writer.bytes
    }

    /// Nil for what this version does not understand.
    ///
    /// - Parameter recordTime: When a log took it, where one did.
    init?(_ bytes: Span<UInt8>, recordTime: RecordTime? = nil) {
        guard let document = JSONScanner.document(bytes), document.kind == .object else { return nil }
        var source: Invalidation.Source?
        var isHello = false
        var subject: (name: String, value: JSONValue)?
        var members = document.members
        while let member = members.next(in: bytes) {
            let name = member.name(in: bytes)
            switch name {
            case "source": source = member.value.string(in: bytes).flatMap(Invalidation.Source.init)
            case "hello": isHello = member.value.boolean(in: bytes) ?? false
            case "invalidation", "member", "goodbye", "question", "answer", "appended": subject = (name, member.value)
            default: break
            }
        }
        guard let subject else { return nil }
        guard subject.name != "invalidation" else {
            let decoder = InvalidationDecoder(source: source ?? .redis)
            let record = bytes.extracting(subject.value.range)
            let decoded = decoder.martlet(record, recordTime: recordTime, receivedAt: Clock.wall)
            guard case .success(let success) = decoded else { return nil }
            self = .invalidation(success.invalidation)
            return
        }
        guard let message = Self.read(subject.name, subject.value, bytes, isHello) else { return nil }
        self = message
    }

    private static func read(
        _ name: String, _ value: JSONValue, _ bytes: Span<UInt8>, _ isHello: Bool
    ) -> ControlMessage? {
        switch name {
        case "member": return ClusterMember(value, bytes).map { .announcement($0, isHello: isHello) }
        case "goodbye": return value.string(in: bytes).map(ControlMessage.goodbye)
        case "question": return SurveyQuestion(value, bytes).map(ControlMessage.question)
        case "answer": return SurveyAnswer(value, bytes).map(ControlMessage.answer)
        case "appended": return value.string(in: bytes).flatMap(StreamID.init).map(ControlMessage.appended)
        default: return nil
        }
    }
}
