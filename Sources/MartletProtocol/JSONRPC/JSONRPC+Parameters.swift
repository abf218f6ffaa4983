// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore

extension JSONRPC {
    /// The parameters of any method, as far as they can be read without knowing it.
    struct Parameters {
        /// What stands in a parameter's place.
        enum Parameter<Value> {
            case absent, wrong
            case value(Value)
        }

        private(set) var token = Parameter<String>.absent
        private(set) var channel = Parameter<String>.absent
        private(set) var recover = Parameter<Bool>.absent
        private(set) var joinLeave = Parameter<Bool>.absent
        private(set) var reverse = Parameter<Bool>.absent
        /// JSON on one line.
        private(set) var data: [UInt8]?
        private var since = Parameter<StreamPosition>.absent
        private var limit = Parameter<Int>.absent
        private var isByName = true

        init(_ value: JSONValue?, _ text: Span<UInt8>) {
            guard let value, !value.isNull else { return }
            guard value.kind == .object else {
                self.isByName = false
                return
            }
            var members = value.members
            while let member = members.next(in: text) {
                let value = member.value
                switch member.name(in: text) {
                case "token": self.token = Self.parameter(value, value.string(in: text))
                case "channel": self.channel = Self.parameter(value, value.string(in: text))
                case "recover": self.recover = Self.parameter(value, value.boolean(in: text))
                case "join_leave": self.joinLeave = Self.parameter(value, value.boolean(in: text))
                case "reverse": self.reverse = Self.parameter(value, value.boolean(in: text))
                case "limit": self.limit = Self.parameter(value, value.uint64(in: text).flatMap(Int.init(exactly:)))
                case "since": self.since = Self.parameter(value, Self.position(value, text))
                case "data": self.data = value.raw(in: text)
                default: break
                }
            }
        }

        private static func parameter<Value>(_ json: JSONValue, _ value: Value?) -> Parameter<Value> {
            json.isNull ? .absent : value.map(Parameter.value) ?? .wrong
        }

        private static func position(_ value: JSONValue, _ text: Span<UInt8>) -> StreamPosition? {
            var (offset, epoch): (UInt64?, String?)
            var members = value.members
            while let member = members.next(in: text) {
                switch member.name(in: text) {
                case "offset": offset = member.value.uint64(in: text)
                case "epoch": epoch = member.value.string(in: text)
                default: break
                }
            }
            guard let offset, let epoch else { return nil }
            return StreamPosition(offset: offset, epoch: epoch)
        }

        func required(_ parameter: Parameter<String>, _ name: String) throws(JSONRPCError) -> String {
            guard self.isByName else { throw .invalidParams("an object is expected") }
            switch parameter {
            case .absent: throw .invalidParams("\(name) is missing")
            case .wrong: throw .invalidParams("\(name) is not a string")
            case .value(""): throw .invalidParams("\(name) is empty")
            case .value(let value): return value
            }
        }

        func requiredChannel() throws(JSONRPCError) -> String { try self.required(self.channel, "channel") }

        func optional(_ parameter: Parameter<String>, _ name: String) throws(JSONRPCError) -> String? {
            if self.isByName, case .absent = parameter { return nil }
            return try self.required(parameter, name)
        }

        func flag(_ parameter: Parameter<Bool>, _ name: String) throws(JSONRPCError) -> Bool {
            switch parameter {
            case .absent: return false
            case .wrong: throw .invalidParams("\(name) is not true or false")
            case .value(let value): return value
            }
        }

        func position() throws(JSONRPCError) -> StreamPosition? {
            switch self.since {
            case .absent: return nil
            case .wrong: throw .invalidParams("since is not a position with offset and epoch")
            case .value(let position): return position
            }
        }

        func count() throws(JSONRPCError) -> Int? {
            switch self.limit {
            case .absent: return nil
            case .wrong: throw .invalidParams("limit is not a number from 0 up")
            case .value(let limit): return limit
            }
        }
    }
}
