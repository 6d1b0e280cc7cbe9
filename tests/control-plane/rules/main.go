// Command rules judges Kubernetes objects as deployment tools do. It reads one object or a List as JSON or YAML from standard
// input and prints a JSON array with the status and message of each:
//
//	rules kstatus               by kstatus, as Flux and helm wait
//	rules argocd ARGOCD-CM      by the health scripts in a ConfigMap (or a patch of one), as Argo CD runs them
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// Verdict is what a tool makes of an object.
type Verdict struct {
	Kind    string `json:"kind"`
	Name    string `json:"name"`
	Status  string `json:"status"`
	Message string `json:"message"`
}

type judge func(*unstructured.Unstructured) (status, message string, err error)

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "rules:", err)
		os.Exit(1)
	}
}

func run(arguments []string, input io.Reader, output io.Writer) error {
	judge, err := chosen(arguments)
	if err != nil {
		return err
	}
	objects, err := read(input)
	if err != nil {
		return err
	}
	verdicts := []Verdict{}
	for _, object := range objects {
		status, message, err := judge(object)
		if err != nil {
			return fmt.Errorf("%s %s: %w", object.GetKind(), object.GetName(), err)
		}
		verdicts = append(verdicts, Verdict{object.GetKind(), object.GetName(), status, message})
	}
	return json.NewEncoder(output).Encode(verdicts)
}

func chosen(arguments []string) (judge, error) {
	switch {
	case len(arguments) == 1 && arguments[0] == "kstatus":
		return byKstatus, nil
	case len(arguments) == 2 && arguments[0] == "argocd":
		return byArgoCD(arguments[1])
	default:
		return nil, fmt.Errorf("usage: rules kstatus | rules argocd ARGOCD-CM")
	}
}

func byKstatus(object *unstructured.Unstructured) (string, string, error) {
	result, err := status.Compute(object)
	if err != nil {
		return "", "", err
	}
	return result.Status.String(), result.Message, nil
}

// Whole numbers must arrive as int64, as a Kubernetes client reads them: a float as the generation is an error to kstatus.
func read(input io.Reader) ([]*unstructured.Unstructured, error) {
	text, err := io.ReadAll(input)
	if err != nil {
		return nil, err
	}
	asJSON, err := yaml.YAMLToJSON(text)
	if err != nil {
		return nil, err
	}
	decoded, err := unstructuredOf(asJSON)
	if err != nil {
		return nil, err
	}
	if !decoded.IsList() {
		return []*unstructured.Unstructured{decoded}, nil
	}
	list, err := decoded.ToList()
	if err != nil {
		return nil, err
	}
	objects := []*unstructured.Unstructured{}
	for index := range list.Items {
		objects = append(objects, &list.Items[index])
	}
	return objects, nil
}

func unstructuredOf(asJSON []byte) (*unstructured.Unstructured, error) {
	object := &unstructured.Unstructured{}
	_, _, err := unstructured.UnstructuredJSONScheme.Decode(asJSON, nil, object)
	return object, err
}
