package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	lua "github.com/yuin/gopher-lua"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// What Argo CD accepts of a script; anything else it shows as Unknown.
var healths = []string{"Unknown", "Progressing", "Suspended", "Healthy", "Degraded", "Missing"}

// A script may run this long there.
const patience = time.Second

// The scripts are found by the keys under which Argo CD looks for them.
func byArgoCD(file string) (judge, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var config struct {
		Data map[string]string `json:"data"`
	}
	if err := yaml.Unmarshal(text, &config); err != nil {
		return nil, err
	}
	return func(object *unstructured.Unstructured) (string, string, error) {
		kind := object.GroupVersionKind()
		key := fmt.Sprintf("resource.customizations.health.%s_%s", kind.Group, kind.Kind)
		script, found := config.Data[key]
		if !found {
			return "", "", fmt.Errorf("%s has no key %s", file, key)
		}
		return health(script, object)
	}, nil
}

// Argo CD gives scripts of its configuration the base functions and those for tables, and nothing else.
func health(script string, object *unstructured.Unstructured) (string, string, error) {
	state := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer state.Close()
	for name, open := range map[string]lua.LGFunction{
		lua.BaseLibName: lua.OpenBase,
		lua.TabLibName:  lua.OpenTable,
	} {
		state.Push(state.NewFunction(open))
		state.Push(lua.LString(name))
		state.Call(1, 0)
	}
	limit, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	state.SetContext(limit)
	state.SetGlobal("obj", inLua(state, object.Object))
	if err := state.DoString(script); err != nil {
		return "", "", err
	}
	answer, isTable := state.Get(-1).(*lua.LTable)
	if !isTable {
		return "", "", fmt.Errorf("the script returns %s and no table", state.Get(-1).Type())
	}
	status := lua.LVAsString(answer.RawGetString("status"))
	if !slices.Contains(healths, status) {
		return "", "", fmt.Errorf("Argo CD knows no health %q", status)
	}
	return status, lua.LVAsString(answer.RawGetString("message")), nil
}

func inLua(state *lua.LState, value any) lua.LValue {
	switch value := value.(type) {
	case bool:
		return lua.LBool(value)
	case string:
		return lua.LString(value)
	case int64:
		return lua.LNumber(value)
	case float64:
		return lua.LNumber(value)
	case []any:
		table := state.CreateTable(len(value), 0)
		for _, item := range value {
			table.Append(inLua(state, item))
		}
		return table
	case map[string]any:
		table := state.CreateTable(0, len(value))
		for key, item := range value {
			table.RawSetString(key, inLua(state, item))
		}
		return table
	default:
		return lua.LNil
	}
}
